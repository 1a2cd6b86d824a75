// The status bar: where one is, who one is, whether the server is there, what was done last.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { count } from "../core/text";
import { dismissRefused } from "../data/claims";
import { refused, trouble, waiting } from "../data/outbox";
import { author, chooseAuthor, connection, news, readOnly, session } from "../data/session";

export const place = signal<{ where: string; frame: number; frames: number; time: string } | null>(null);

export function StatusBar(): JSX.Element {
  const here = place.value;
  const own = news.value;
  return (
    <footer class="status">
      {here && (
        <span class="tabular">
          {here.where} · frame {count(here.frame)} of {count(here.frames)} · {here.time}
        </span>
      )}
      <span class={own?.isBad ? "news bad" : "news"} role="status">
        {own?.text ?? ""}
      </span>
      <span class="grow" />
      {waiting.value.length > 0 && (
        <span class="chip">
          {waiting.value.length === 1 ? "1 edit on its way" : `${waiting.value.length} edits on their way`}
        </span>
      )}
      {readOnly.value && session.value && <span class="chip">read-only</span>}
      <Connection />
      <Author />
      <span class="soft">? keys</span>
    </footer>
  );
}

function Connection(): JSX.Element {
  const words = {
    connecting: "connecting",
    open: "connected",
    down: "not connected",
    "signed-out": "signed out",
  } as const;
  return <span class={`connection ${connection.value}`}>{words[connection.value]}</span>;
}

function Author(): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen)
    return (
      <button type="button" class="plain" onClick={() => setOpen(true)} title="edits are yours under this name">
        {author.value}
      </button>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        chooseAuthor(new FormData(event.currentTarget).get("author") as string);
        setOpen(false);
      }}
    >
      <input
        name="author"
        value={author.value}
        maxLength={200}
        onBlur={(event) => event.currentTarget.form?.requestSubmit()}
        ref={(field) => field?.focus()}
      />
    </form>
  );
}

/** What stands across the page while edits wait, and what was refused. */
export function Banner(): JSX.Element | null {
  const count = waiting.value.reduce((sum, one) => sum + one.claims.length, 0);
  if (connection.value === "signed-out")
    return (
      <div class="banner bad" role="alert">
        The server asks for its token: open the address that <code>poseflow serve</code> printed.{" "}
        {count > 0 && `${count} claims wait in this browser.`}
      </div>
    );
  if (connection.value === "down" || trouble.value)
    return (
      <div class="banner bad" role="alert">
        No connection to the server.{" "}
        {count > 0
          ? `${waiting.value.length === 1 ? "1 edit waits" : `${waiting.value.length} edits wait`} in this browser, and will be sent in order.`
          : "Edits are kept in this browser until it is back."}
      </div>
    );
  if (refused.value.length)
    return (
      <div class="banner bad" role="alert">
        {refused.value.map(({ parcel, reason }) => (
          <p key={parcel.key}>
            An edit of {parcel.recording} was refused: {reason}{" "}
            <button type="button" class="key" onClick={() => void dismissRefused(parcel)}>
              Drop it
            </button>
          </p>
        ))}
      </div>
    );
  return null;
}
