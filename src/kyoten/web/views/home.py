"""ホーム: what needs doing, by due date, and what was asked of others."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kyoten.web import rescue, todo

MOST = 50  # rows of one list; the rest is behind the app's own list


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    kept = rescue.waiting(request.user).count()
    if request.seat is None:
        return render(request, "home/no_seat.html", {"kept": kept})
    desk = todo.Desk(request.seat, request.at)
    tasks, asked = todo.tasks(desk), todo.asked(desk)
    context = {
        "kept": kept,
        "tasks": tasks[:MOST],
        "task_count": len(tasks),
        "today": [task for task in tasks if task.due and task.due.date() == request.at.date()],
        "asked": asked[:MOST],
        "asked_count": len(asked),
    }
    return render(request, "home/home.html", context)
