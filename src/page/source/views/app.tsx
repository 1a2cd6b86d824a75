// The frame around the views: the bar at the top, banners, keys, and the status bar.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BINDINGS, type Binding, type Command, NO_STROKE } from "../core/keys";
import { conflicts } from "../data/claims";
import { session } from "../data/session";
import { addressOf, go, route, VIEWS, type ViewName, wayBack } from "../router";
import { carryOut, useCommands } from "./commands";
import { LabelView } from "./label/view";
import { NetworksView } from "./networks";
import { ProofreadView } from "./proofread/view";
import { RecordingsView } from "./recordings";
import { RunView } from "./run";
import { Banner, place, StatusBar } from "./status";

const NAMES: Record<ViewName, string> = {
  recordings: "Recordings",
  run: "Run",
  label: "Label",
  proofread: "Proofread",
  networks: "Networks",
};
const SHOWN: Record<ViewName, () => JSX.Element> = {
  recordings: RecordingsView,
  run: RunView,
  label: LabelView,
  proofread: ProofreadView,
  networks: NetworksView,
};

const over = signal<"help" | "palette" | null>(null);

export function App(): JSX.Element {
  const { view } = route.value;
  const View = SHOWN[view];
  useCommands((command) => {
    if (command === "help" || command === "palette") over.value = over.peek() === command ? null : command;
    else if (command === "escape" && over.peek()) over.value = null;
    else return false;
    return true;
  });
  useEffect(() => {
    document.title = `${NAMES[view]} · ${session.value?.project ?? "poseflow"}`;
    if (view !== "proofread" && view !== "label") place.value = null;
  }, [view]);
  return (
    <>
      <nav class="top">
        <b class="project" title={session.value?.path}>
          {session.value?.project ?? "poseflow"}
        </b>
        {VIEWS.map((one) => (
          <a
            key={one}
            href={addressOf(one)}
            aria-current={one === view ? "page" : undefined}
            onClick={(event) => {
              if (one === view || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
              event.preventDefault();
              go(wayBack(one));
            }}
          >
            {NAMES[one]}
          </a>
        ))}
        <span class="grow" />
        <button
          type="button"
          class="plain"
          onClick={() => {
            over.value = "palette";
          }}
        >
          Commands <kbd>Ctrl+P</kbd>
        </button>
        <button
          type="button"
          class="plain"
          onClick={() => {
            over.value = "help";
          }}
        >
          Keys <kbd>?</kbd>
        </button>
      </nav>
      <Banner />
      <Conflicts />
      <View />
      <StatusBar />
      {over.value === "help" && <Help />}
      {over.value === "palette" && <Palette />}
    </>
  );
}

/** Claims of others that contradict one's own: the later counts, and both are told. */
function Conflicts(): JSX.Element | null {
  const first = conflicts.value[0];
  if (!first) return null;
  return (
    <div class="banner" role="alert">
      {first.by === ""
        ? `An edit of frame ${first.frame} of ${first.video} changes nothing: ${first.reason}.`
        : `${first.author} says otherwise about frame ${first.frame} of ${first.video}: ${first.reason}.`}{" "}
      It is in the review list.{" "}
      <button
        type="button"
        class="key"
        onClick={() => {
          conflicts.value = conflicts.value.slice(1);
        }}
      >
        {conflicts.value.length > 1 ? `Seen, ${conflicts.value.length - 1} more` : "Seen"}
      </button>
    </div>
  );
}

function Help(): JSX.Element {
  const groups = [...new Set(BINDINGS.map((one) => one.group))];
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => element.current?.showModal(), []);
  return (
    <dialog
      ref={element}
      class="help"
      onClose={() => {
        if (over.peek() === "help") over.value = null;
      }}
      onClick={(event) => event.target === element.current && element.current?.close()}
    >
      <h2>Keys</h2>
      <div class="groups">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {BINDINGS.filter((one) => one.group === group).map((one) => (
                <div key={one.command}>
                  <dt>
                    <kbd>{one.label}</kbd>
                  </dt>
                  <dd>{one.what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Pointer</h3>
          <dl>
            {POINTER.map(([what, does]) => (
              <div key={what}>
                <dt>
                  <kbd>{what}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </dialog>
  );
}

const POINTER: [string, string][] = [
  ["click", "select; Shift: one more"],
  ["drag node", "move it, or all chosen nodes"],
  ["drag edge", "move the animal; so does Alt"],
  ["Alt+wheel", "turn the animal"],
  ["Shift+drag", "choose nodes in a frame"],
  ["right-click", "node hidden, or not"],
  ["wheel", "zoom; drag beside animals: move"],
];

interface Choice {
  text: string;
  hint: string;
  act: () => void;
}

function Palette(): JSX.Element {
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []); // before the next key: letters of a word are no commands
  const close = (): void => {
    over.value = null;
  };
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const all: Choice[] = [
    ...VIEWS.map((view) => ({
      text: `Go to ${NAMES[view]}`,
      hint: "",
      act: () => go(wayBack(view)),
    })),
    ...BINDINGS.filter((one) => !["select", "name", "palette", "escape"].includes(one.command)).map((one: Binding) => ({
      text: one.what,
      hint: one.label,
      act: () => void carryOut(one.command as Command, NO_STROKE),
    })),
  ];
  const found = all.filter((one) => words.every((word) => one.text.toLowerCase().includes(word)));
  const choose = (choice: Choice | undefined): void => {
    close();
    choice?.act();
  };
  return (
    <div class="veil" onClick={close}>
      <div class="palette" role="dialog" aria-label="Commands" onClick={(event) => event.stopPropagation()}>
        <input
          ref={field}
          value={wanted}
          placeholder="what to do"
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") close();
            else if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
            else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
            else if (event.key === "Enter") choose(found[at]);
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        <ul role="listbox">
          {found.slice(0, 12).map((one, place) => (
            <li key={one.text} role="option" aria-selected={place === at} onClick={() => choose(one)}>
              {one.text} {one.hint && <kbd>{one.hint}</kbd>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
