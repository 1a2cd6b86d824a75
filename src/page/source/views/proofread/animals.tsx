// The animals of the frame, what may be said of them, and which frames that is about.

import type { JSX } from "preact";
import type { Reach } from "../../core/edits";
import { labelOf, NO_STROKE } from "../../core/keys";
import { FLAG } from "../../core/poses";
import { nameOf, percent } from "../../core/text";
import { keyOf, type Proofreading } from "../../proofread/model";
import { Key, Swatch } from "../parts";

const REACHES: Record<Reach, string> = { frame: "frame", range: "range", tracklet: "tracklet", end: "to end" };

export function Animals({ model }: { model: Proofreading }): JSX.Element {
  const listed = model.listed.value;
  const selection = model.selection.value;
  const chosen = model.chosen.value;
  const pair = model.pair.value;
  const span = model.span.value;
  const frame = model.editFrame.value;
  const scope = span
    ? model.describe({ reach: "range", from: span[0], to: span[1] })
    : model.describe({ reach: "end", from: frame, to: model.video.frames - 1 });
  const scopeHere = span ? scope : model.describe({ reach: "frame", from: frame, to: frame });
  const removed = model.animals.value.filter((one) => one.flags & FLAG.removed).length;
  const own = chosen.length === 1 ? chosen[0]! : listed.length === 1 ? listed[0]! : null;
  return (
    <aside class="panel right" aria-label="Animals">
      <header>
        <h2>Animals</h2>
        <span class="soft">
          {listed.length} here{removed ? `, ${removed} removed` : ""}
        </span>
      </header>
      <div class="list short" role="listbox" aria-multiselectable="true">
        {listed.map((animal, at) => (
          <button
            type="button"
            class="animal"
            key={keyOf(animal)}
            role="option"
            aria-selected={selection.includes(keyOf(animal))}
            onClick={(event) => {
              event.currentTarget.blur();
              model.select(animal, event.shiftKey || event.ctrlKey);
            }}
          >
            <kbd>{at < 9 ? at + 1 : ""}</kbd>
            <Swatch name={animal.name} track={animal.track} names={model.names} />
            <span class="what">
              {nameOf(animal)}
              {animal.flags & FLAG.waiting ? <small>newer than the tables</small> : null}
            </span>
            <span class="number" title={animal.name ? "confidence of the name" : "score"}>
              {animal.name ? percent(animal.nameScore) : percent(animal.score)}
            </span>
          </button>
        ))}
        {!listed.length && (
          <p class="soft pad">
            {model.video.poses === "none" ? "This video has no poses yet." : "No animal in this frame."}
          </p>
        )}
      </div>
      <section>
        <h3>Who is who</h3>
        <div class="scope">{scope}</div>
        <div class="keys">
          <Key
            command="swap"
            text={pair ? `Swap ${nameOf(pair[0])} and ${nameOf(pair[1])}` : "Swap two animals"}
            act={() => model.swap()}
            off={!pair}
          />
        </div>
        <div class="names">
          {model.names.slice(0, 9).map((name, at) => (
            <button
              type="button"
              class="key"
              key={name}
              disabled={!own}
              onClick={() => model.nameIt(name)}
              title={`Ctrl+${at + 1}`}
            >
              <Swatch name={name} track={-1} names={model.names} /> {name} <kbd>Ctrl+{at + 1}</kbd>
            </button>
          ))}
        </div>
        <form
          class="field"
          onSubmit={(event) => {
            event.preventDefault();
            const field = event.currentTarget.elements.namedItem("name") as HTMLInputElement;
            const given = field.value.trim();
            field.value = "";
            field.blur();
            if (!given) return;
            model.ownNames.value = [...model.ownNames.peek(), given];
            if (own) model.nameIt(given);
          }}
        >
          <input name="name" placeholder="another name" maxLength={100} autocomplete="off" />
        </form>
        <div class="keys">
          <Key command="cut" text="Another from here" act={() => model.run("cut", NO_STROKE)} off={!own} />
          <Key command="join" text="Continues a lost one" act={() => model.run("join", NO_STROKE)} off={!own} />
        </div>
      </section>
      <section>
        <h3>No animal</h3>
        <div class="scope">{scopeHere}</div>
        <div class="keys">
          <Key command="remove" text="Remove" act={() => model.remove()} off={!own} />
          <Key command="removeTracklet" text="its tracklet" act={() => model.remove("tracklet")} off={!own} />
        </div>
        <div class="keys">
          <Key command="addAnimal" text="Add animal" act={() => model.run("addAnimal", NO_STROKE)} />
          <Key command="placeNodes" text="By clicks" act={() => model.startPlacing()} />
        </div>
      </section>
      <LastEditPanel model={model} />
      <footer>
        <Key command="undo" text="Undo" act={() => model.undo()} />
        <Key command="redo" text="Redo" act={() => model.redo()} />
      </footer>
    </aside>
  );
}

/** The last edit, and the frames it is about: these can be changed after. */
function LastEditPanel({ model }: { model: Proofreading }): JSX.Element | null {
  const last = model.last.value;
  if (!last) return null;
  return (
    <section class="last" aria-live="polite">
      <h3>{last.text}</h3>
      <div class="scope">{model.describe(last.extent)}</div>
      <div class="segments" role="radiogroup">
        {last.plan.reaches.map((reach) => (
          <button
            type="button"
            key={reach}
            role="radio"
            aria-checked={last.extent.reach === reach}
            disabled={model.isWorking.value || (reach === "range" && !model.span.value)}
            onClick={() => void model.changeReach(reach)}
          >
            {REACHES[reach]}
          </button>
        ))}
        <kbd>{labelOf("scope")}</kbd>
      </div>
    </section>
  );
}
