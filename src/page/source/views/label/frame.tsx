// The frame and its labeled animals, what a pointer does to them, and where one is in the video.

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { NO_STROKE } from "../../core/keys";
import { boxOf } from "../../core/poses";
import { count, readPlace } from "../../core/text";
import { fitAnimals } from "../../core/view";
import { tell } from "../../data/session";
import type { Labeling } from "../../label/model";
import type { Figure } from "../../stage/draw";
import { Stage } from "../../stage/stage";
import { Key } from "../parts";
import { colorOf } from "./look";

export function Frame({ model }: { model: Labeling }): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const stage = new Stage(
      { width: 640, height: 480 },
      {
        pick: (figure, node, isMore) => model.select(figure, node, isMore),
        drag: (figure, points) => model.drag(figure, points),
        place: (x, y) => model.place([x, y]),
        context: (figure, node) => {
          if (model.placing.peek()) model.place(null);
          else if (figure !== null && node >= 0) model.hideNodes(figure, [node]);
        },
        double: (figure) => {
          if (figure !== null && model.animals.peek()[figure]?.predicted) {
            model.selection.value = figure;
            model.accept();
          }
        },
        lasso: (box) => {
          model.points.peek().forEach((points, at) => {
            const nodes = [...Array(points.length / 2).keys()].filter(
              (node) =>
                points[2 * node]! >= box.left &&
                points[2 * node]! <= box.right &&
                points[2 * node + 1]! >= box.top &&
                points[2 * node + 1]! <= box.bottom,
            );
            if (!nodes.length) return;
            model.selection.value = at;
            model.nodes.value = new Set(nodes);
          });
        },
      },
    );
    holder.current!.append(stage.element);
    let video = "";
    const stops = [
      effect(() => {
        const player = model.player.value;
        if (!player) return;
        void player.shown.value;
        if (player.video.name !== video) {
          video = player.video.name;
          stage.setImage(player.video);
          stage.fit();
        }
        const hasFailed = player.state.value === "failed";
        stage.show(hasFailed ? null : player.picture(), hasFailed ? player.fault.value : null);
      }),
      effect(() => stage.dress(sceneryOf(model))),
      effect(() => {
        const { to, count: times } = model.zoom.value;
        if (!times) return;
        const own = model.selection.peek();
        const points = model.points.peek();
        const box = to === "animals" ? boxOf(own === null ? points : [points[own]!]) : null;
        if (box && model.player.peek()) stage.setView(fitAnimals(box, model.player.peek()!.video, stage.size));
        else stage.fit();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      stage.close();
      stage.element.remove();
    };
  }, [model]);
  const player = model.player.value;
  const conflict = model.conflict.value;
  return (
    <div class="stage" ref={holder} data-frame={player?.frame.value} data-state={player?.state.value}>
      <div class="stage-corner">
        {player && <b>{count(player.frame.value)}</b>}
        {model.animals.value.some((one) => one.predicted) && <span class="reason">predicted: Enter accepts</span>}
      </div>
      {!player && <div class="stage-note">Choose frames at the left: they are spread over all recordings.</div>}
      {conflict && (
        <div class="stage-note bad">
          Somebody else changed this frame meanwhile.
          <Key text="Keep mine" act={() => model.settle(true)} />
          <Key text="Take theirs" act={() => model.settle(false)} />
        </div>
      )}
    </div>
  );
}

function sceneryOf(model: Labeling): Parameters<Stage["dress"]>[0] {
  const show = model.show.value;
  const open = model.open.value;
  const isHere = open !== null && model.player.value?.frame.value === open.frame;
  const selection = model.selection.value;
  const points = model.points.value;
  const figures: Figure[] =
    !show.animals || !isHere
      ? []
      : model.animals.value.map((animal, at) => ({
          points: points[at]!,
          look: colorOf(model, animal.track, at),
          label: animal.predicted ? "predicted" : (animal.track ?? ""),
          visible: Uint8Array.from(animal.visible, Number),
          isSelected: selection === at,
          selectedNodes: selection === at ? model.nodes.value : undefined,
          isGhost: false,
          scores: animal.predicted ? new Float32Array(animal.points.length).fill(0) : undefined,
        }));
  const placed = model.placed.value;
  return {
    figures,
    trails: [],
    edges: model.skeleton.edges,
    showEdges: show.edges,
    showNames: show.names,
    placing: placed && { points: placed, look: { color: "#ffffff", dashed: false, letter: "" }, label: "" },
    next: placed ? (model.skeleton.nodes[model.placing.value?.length ?? 0] ?? null) : null,
  };
}

export function Transport({ model }: { model: Labeling }): JSX.Element {
  const player = model.player.value;
  const open = model.open.value;
  const [text, setText] = useState("");
  const marks = useMemo(
    () => model.queue.value.filter((one) => one.video === open?.video.name),
    [model.queue.value, open?.video.name],
  );
  if (!player || !open) return <div class="transport" />;
  return (
    <div class="transport">
      <Key text="" command="stepBack" act={() => model.run("stepBack", NO_STROKE)} />
      <Key text="" command="step" act={() => model.run("step", NO_STROKE)} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const frame = readPlace(text, open.video.fps || 25);
          if (frame === null) tell("A frame is a number, a time is like 1:02:03.", true);
          else model.seek(frame);
          setText("");
        }}
      >
        <input
          class="goto"
          value={text}
          placeholder={`${count(player.frame.value)} of ${count(open.video.frames)}`}
          aria-label="go to frame or time"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
      <div
        class="track"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          model.seek(Math.round(((event.clientX - box.left) / box.width) * (open.video.frames - 1)));
        }}
      >
        {marks.map((one) => (
          <i
            key={one.frame}
            class={one.state}
            style={{ left: `${(100 * one.frame) / Math.max(open.video.frames - 1, 1)}%` }}
          />
        ))}
        <b style={{ left: `${(100 * player.frame.value) / Math.max(open.video.frames - 1, 1)}%` }} />
      </div>
      <Key
        text="Names"
        command="toggleNames"
        on={model.show.value.names}
        act={() => model.run("toggleNames", NO_STROKE)}
      />
      <Key
        text="Edges"
        command="toggleEdges"
        on={model.show.value.edges}
        act={() => model.run("toggleEdges", NO_STROKE)}
      />
      <Key text="Zoom" command="fit" act={() => model.run("fit", NO_STROKE)} />
      <Key text="All" command="reset" act={() => model.run("reset", NO_STROKE)} />
    </div>
  );
}
