// Passkeys: what the browser refuses is said beside the button, not only in its console.
(function () {
  "use strict";
  const TRY_AGAIN = "パスキーの確認が取り消されたか、時間内に終わりませんでした。もう一度ボタンを押してください。";
  const SAID = {
    NotAllowedError: TRY_AGAIN,
    AbortError: TRY_AGAIN,
    InvalidStateError: "この機器のパスキーはすでに登録されています。ほかの機器のパスキーを登録するときは、その機器をつないでください。",
    SecurityError: "いま開いているアドレスではパスキーを使えません。システムの管理者に連絡してください。"
  };
  const NO_WAY = "この機器またはブラウザではパスキーを使えません。認証アプリか、課のメールアドレスに届く確認番号を使ってください。";
  const place = document.getElementById("passkey-problem");

  document.addEventListener("allauth.error", function (event) {
    event.preventDefault();
    place.textContent = SAID[event.detail.exception.name] || NO_WAY;
    place.hidden = false;
  });
  document.addEventListener("click", function (event) {
    if (event.target.id.startsWith("mfa_webauthn_")) {
      place.hidden = true;
    }
  });
})();
