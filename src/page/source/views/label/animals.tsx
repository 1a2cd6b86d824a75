// The animals of the frame, and their nodes.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { NO_STROKE } from "../../core/keys";
import { lookOfPlace } from "../../core/palette";
import type { Labeling } from "../../label/model";
import { Key } from "../parts";
import { colorOf } from "./look";

export function Animals({ model }: { model: Labeling }): JSX.Element {
  const animals = model.animals.value;
  const selection = model.selection.value;
  const nodes = model.nodes.value;
  const own = selection === null ? null : (animals[selection] ?? null);
  const [name, setName] = useState("");
  return (
    <aside class="panel right" aria-label="Animals and nodes">
      <header>
        <h2>Animals</h2>
        <span class="soft" role="status">
          {{ saved: "all saved", saving: "saving …", waiting: "waits for the server" }[model.saving.value]}
        </span>
      </header>
      <div class="list short" role="listbox">
        {animals.map((animal, at) => {
          const look = colorOf(model, animal.track, at);
          return (
            <button
              type="button"
              class="animal"
              key={at}
              role="option"
              aria-selected={selection === at}
              onClick={(event) => {
                event.currentTarget.blur();
                model.select(at, -1, false);
              }}
            >
              <kbd>{at < 9 ? at + 1 : ""}</kbd>
              <span class="swatch" style={{ backgroundColor: look.color }} />
              <span class="what">
                {animal.track ?? `animal ${at + 1}`}
                {animal.predicted && <small>predicted</small>}
              </span>
              <span class="number">
                {animal.points.filter((point) => point).length} of {animal.points.length}
              </span>
            </button>
          );
        })}
        {!animals.length && <p class="soft pad">No animal yet: N, then a click for each node.</p>}
      </div>
      <section>
        <div class="keys">
          <Key
            command="placeNodes"
            text="New animal"
            kind="main"
            act={() => model.startPlacing()}
            off={!model.open.value}
          />
          <Key
            command="copyBefore"
            text="As before"
            act={() => void model.copyBefore()}
            off={!model.open.value}
            title="animals of the labeled frame before"
          />
        </div>
        <div class="keys">
          <Key command="accept" text="Accept" act={() => model.accept()} off={!animals.some((one) => one.predicted)} />
          <Key command="remove" text="Remove" act={() => model.run("remove", NO_STROKE)} off={!own} />
          <Key
            text="No animal here"
            act={() => model.sayEmpty()}
            off={!model.open.value || animals.length > 0}
            title="the frame is empty: a label too"
          />
        </div>
      </section>
      <section>
        <h3>Who it is</h3>
        <div class="names">
          {model.tracks.value.map((track, at) => (
            <button type="button" class="key" key={track} disabled={!own} onClick={() => model.nameIt(track)}>
              <span class="swatch" style={{ backgroundColor: lookOfPlace(at).color }} /> {track}{" "}
              {at < 9 && <kbd>Ctrl+{at + 1}</kbd>}
            </button>
          ))}
        </div>
        <form
          class="field"
          onSubmit={(event) => {
            event.preventDefault();
            const track = name.trim();
            if (!track) return;
            if (!model.tracks.peek().includes(track)) model.tracks.value = [...model.tracks.peek(), track];
            setName("");
            if (own) model.nameIt(track);
          }}
        >
          <input
            value={name}
            placeholder="another name"
            maxLength={100}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </form>
      </section>
      <section class="grow">
        <h3>Nodes</h3>
        <div class="list nodes">
          {model.skeleton.nodes.map((node, at) => {
            const point = own?.points[at] ?? null;
            const placing = model.placing.value;
            return (
              <button
                type="button"
                class={placing?.length === at ? "node next" : "node"}
                key={node}
                disabled={!own}
                aria-pressed={nodes.has(at)}
                onClick={(event) => {
                  event.currentTarget.blur();
                  model.nodes.value = new Set([at]);
                }}
              >
                <span class="what">{node}</span>
                <span class="number soft">{!own ? "" : !point ? "–" : own.visible[at] ? "" : "hidden"}</span>
              </button>
            );
          })}
        </div>
      </section>
      <footer>
        <Key text="Undo" title="Ctrl+Z" act={() => model.undo()} />
        <Key text="Redo" title="Ctrl+Shift+Z" act={() => model.undo(true)} />
        <Key command="nextItem" text="Next" kind="main" act={() => model.next(1)} />
      </footer>
    </aside>
  );
}
