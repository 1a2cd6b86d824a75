// Keys of the view that is open; those of the page are asked first.

import { useLayoutEffect } from "preact/hooks";
import { type Command, commandOf, isWriting, type Stroke, strokeOf } from "../core/keys";

type Handler = (command: Command, stroke: Stroke) => boolean;
const handlers: Handler[] = [];

export function useCommands(handler: Handler): void {
  // At once: the next key finds the view that is shown
  useLayoutEffect(() => {
    handlers.unshift(handler);
    return () => {
      handlers.splice(handlers.indexOf(handler), 1);
    };
  });
}

/** Carries a command out; tells whether anything did. */
export function carryOut(command: Command, stroke: Stroke): boolean {
  return handlers.some((handler) => handler(command, stroke));
}

export function listenToKeys(): void {
  window.addEventListener("keydown", (event) => {
    if (event.isComposing || (isWriting(event.target) && event.key !== "Escape")) return;
    const stroke = strokeOf(event);
    const command = commandOf(stroke);
    if (command === null) return;
    const target = event.target as HTMLElement | null;
    // Space and Enter on a button or link that was reached by Tab are its own
    if (
      (stroke.key === " " || stroke.key === "Enter") &&
      target?.matches?.("a, button, summary, [role=option]:focus-visible")
    )
      return;
    if (carryOut(command, stroke)) event.preventDefault();
  });
}
