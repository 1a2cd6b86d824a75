// Playing, stepping, the range; lanes below; a field to go elsewhere.

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type Command, NO_STROKE } from "../../core/keys";
import { clock, count, readPlace } from "../../core/text";
import { tell } from "../../data/session";
import type { Proofreading } from "../../proofread/model";
import { Lanes } from "../../stage/lanes";
import { Key } from "../parts";

export function Transport({ model }: { model: Proofreading }): JSX.Element {
  const { player } = model;
  const [begin, end] = model.range.value;
  const show = model.show.value;
  const run = (command: Command) => () => void model.run(command, NO_STROKE);
  return (
    <div class="transport">
      <Key text={player.playing.value ? "Stop" : "Play"} command="play" act={run("play")} />
      <span class="pair">
        <Key text="" command="stepBack" act={run("stepBack")} title="frame before" />
        <Key text="" command="step" act={run("step")} title="next frame" />
      </span>
      <span class="speed" title="J slower, L faster">
        {player.speed.value}×
      </span>
      <button type="button" class="key where" onClick={run("goTo")} title="go to a frame or time, Ctrl+J">
        <b>{count(player.frame.value)}</b> <span class="soft">of {count(model.video.frames)}</span>
      </button>
      <span class="soft tabular clock">{clock(model.timeOf(player.frame.value))}</span>
      <span class={begin === null ? "range soft" : "range"}>
        <Key text="" command="rangeBegin" act={run("rangeBegin")} title="range begins here" />
        {begin === null ? "range" : `${count(begin)} – ${end === null ? "" : count(end)}`}
        <Key text="" command="rangeEnd" act={run("rangeEnd")} title="range ends here" />
      </span>
      {player.loop.value && (
        <button
          type="button"
          class="key"
          onClick={() => {
            player.loop.value = null;
          }}
          title="play all"
        >
          ±1 s ×
        </button>
      )}
      <span class="grow" />
      {player.note.value && (
        <span class="soft note" title={player.note.value}>
          by stills
        </span>
      )}
      <span class="pair toggles">
        <Key text="Names" command="toggleNames" on={show.names} act={run("toggleNames")} />
        <Key text="Edges" command="toggleEdges" on={show.edges} act={run("toggleEdges")} />
        <Key text="Trails" command="toggleTrails" on={show.trails} act={run("toggleTrails")} />
        <Key text="Hide" command="toggleAnimals" on={!show.animals} act={run("toggleAnimals")} />
        <Key text="Zoom" command="fit" act={run("fit")} />
        <Key text="All" command="reset" act={run("reset")} />
      </span>
    </div>
  );
}

export function Bottom({ model }: { model: Proofreading }): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { video } = model;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lanes = new Lanes(video.frames, video.fps || 25, {
      seek: (frame) => {
        if (model.player.loop.peek()) model.player.loop.value = null;
        model.player.seek(frame);
      },
      viewed: (view, width) => {
        clearTimeout(timer);
        // a half of the view more on both sides, so that moving it shows something at once
        timer = setTimeout(
          () => void model.askLanes(view.from - view.frames / 2, view.from + 1.5 * view.frames, 2 * width),
          120,
        );
      },
      item: (id) => {
        const item = model.queue.peek().get(id);
        if (item) model.openItem(item);
      },
    });
    holder.current!.append(lanes.element);
    const stops = [
      effect(() => lanes.fill(model.lanes.value, model.lanesNote.value)),
      effect(() => lanes.mark(model.ownMarks())),
      effect(() => lanes.place(model.player.frame.value, model.range.value, model.player.loop.value, model.item.value)),
      effect(() => {
        const item = model.openItem_.value;
        if (item) lanes.zoomTo(item.frame, 40 * (video.fps || 25));
      }),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      lanes.close();
      lanes.element.remove();
    };
  }, [model]);
  return <div class="bottom" ref={holder} />;
}

export function GoTo({ model }: { model: Proofreading }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []); // before the next key: digits are no commands
  return (
    <form
      class="float"
      onSubmit={(event) => {
        event.preventDefault();
        const frame = readPlace(field.current!.value, model.video.fps || 25);
        model.goingTo.value = false;
        if (frame === null) tell("A frame is a number, a time is like 1:02:03.", true);
        else model.player.seek(frame);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") model.goingTo.value = false;
      }}
    >
      <label>
        Frame or time{" "}
        <input
          ref={field}
          placeholder="12 408 or 1:02:03.5"
          onBlur={() => {
            model.goingTo.value = false;
          }}
        />
      </label>
    </form>
  );
}
