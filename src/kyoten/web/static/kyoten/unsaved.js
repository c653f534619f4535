// What was typed into a form[data-unsaved] and not sent is not lost in silence: leaving the page asks first.
(function () {
  "use strict";
  const typed = new Set();
  const note = (event) => {
    const form = event.target.closest("form[data-unsaved]");
    if (form) typed.add(form);
  };
  document.addEventListener("input", note);
  document.addEventListener("submit", (event) => typed.delete(event.target));
  window.addEventListener("beforeunload", (event) => {
    if (typed.size) event.preventDefault();
  });
})();
