// Small things that several views show.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Command, labelOf } from "../core/keys";
import { lookOf } from "../core/palette";
import { tellFault } from "../data/session";

/** A button with its key printed on it. */
export function Key(props: {
  command?: Command;
  text: ComponentChildren;
  act: () => void;
  off?: boolean;
  on?: boolean;
  title?: string;
  kind?: Kind;
}): JSX.Element {
  const label = props.command ? labelOf(props.command) : "";
  return (
    <button
      type="button"
      class={classOf(props.kind, props.text === "")}
      disabled={props.off ?? false}
      aria-pressed={props.on === undefined ? undefined : props.on}
      title={props.title}
      onClick={(event) => {
        event.currentTarget.blur(); // keys go on to the page
        props.act();
      }}
    >
      {props.text}
      {label && <kbd>{label}</kbd>}
    </button>
  );
}

type Kind = "plain" | "main" | "danger";

function classOf(kind: Kind | undefined, isBare = false): string {
  return ["key", kind !== "plain" && kind, isBare && "bare"].filter(Boolean).join(" ");
}

/** The color of an animal, with its letter from the seventh on. */
export function Swatch(props: { name: string | null; track: number; names: readonly string[] }): JSX.Element {
  const look = lookOf(props.name, props.track, props.names);
  return (
    <span class={look.dashed ? "swatch dashed" : "swatch"} style={{ backgroundColor: look.color }} aria-hidden="true">
      {look.letter}
    </span>
  );
}

export function Bar(props: { part: number | null; text?: string }): JSX.Element {
  return (
    <span
      class="bar"
      role="progressbar"
      aria-valuenow={Math.round(100 * (props.part ?? 0))}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${100 * Math.min(Math.max(props.part ?? 0, 0), 1)}%` }} />
      {props.text && <em>{props.text}</em>}
    </span>
  );
}

/** What stands where there is nothing yet: what it would be, and what to do. */
export function Empty(props: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** Asks a question whenever `key` changes; the old answer stays until the new one is there. */
export function useAnswer<Answer>(
  ask: (signal: AbortSignal) => Promise<Answer>,
  key: unknown,
): { answer: Answer | null; fault: string | null; set: (answer: Answer) => void } {
  const [answer, set] = useState<Answer | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    ask(abort.signal)
      .then((own) => {
        if (abort.signal.aborted) return;
        set(() => own);
        setFault(null);
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setFault(error instanceof Error ? error.message : String(error));
      });
    return () => abort.abort();
  }, [key]);
  return { answer, fault, set: (own) => set(() => own) };
}

/** A button of something that takes a while and is not done twice. */
export function Act(props: {
  text: string;
  act: () => Promise<unknown>;
  kind?: Kind;
  off?: boolean;
  title?: string;
  sure?: string;
}): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const go = (): void => {
    if (props.sure && !isAsked) {
      setAsked(true);
      timer.current = setTimeout(() => setAsked(false), 5000);
      return;
    }
    clearTimeout(timer.current);
    setAsked(false);
    setBusy(true);
    props
      .act()
      .catch(tellFault)
      .finally(() => setBusy(false));
  };
  return (
    <button
      type="button"
      class={classOf(isAsked ? "danger" : props.kind)}
      disabled={(props.off ?? false) || isBusy}
      title={props.title}
      onClick={go}
    >
      {isBusy ? `${props.text} …` : isAsked ? props.sure : props.text}
    </button>
  );
}
