// The frame and its animals, and what a pointer does to them.

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { lookOf } from "../../core/palette";
import { centerOf, FLAG } from "../../core/poses";
import { count, nameOf } from "../../core/text";
import { fitAnimals } from "../../core/view";
import { isMe, people } from "../../data/session";
import { keyOf, type Proofreading } from "../../proofread/model";
import { kindOf } from "../../proofread/review";
import type { Figure } from "../../stage/draw";
import { Stage } from "../../stage/stage";

const TRAIL_FRAMES = 25;

export function Frame({ model }: { model: Proofreading }): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const stage = new Stage(model.video, {
      pick: (figure, node, isMore) =>
        model.select(figure === null ? null : (model.animals.peek()[figure] ?? null), isMore, node),
      drag: (figure, points) => {
        const own = model.animals.peek()[figure];
        if (own) void model.drag(own, points);
      },
      place: (x, y) => model.place([x, y]),
      context: (figure, node) => {
        if (model.placing.peek()) {
          model.place(null);
          return;
        }
        const own = figure === null ? undefined : model.animals.peek()[figure];
        if (own && node >= 0) void model.hide(own, [node]);
      },
      double: () => undefined,
      lasso: (box) => {
        for (const animal of model.listed.peek()) {
          const nodes = [...Array(model.nodes.length).keys()].filter((node) => {
            const [x, y] = [animal.points[2 * node]!, animal.points[2 * node + 1]!];
            return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
          });
          if (!nodes.length) continue;
          model.selection.value = [keyOf(animal)];
          model.selectedNodes.value = { key: keyOf(animal), nodes: new Set(nodes) };
          return;
        }
      },
    });
    holder.current!.append(stage.element);
    const stops = [
      effect(() => {
        void model.player.shown.value;
        const hasFailed = model.player.state.value === "failed";
        stage.show(
          hasFailed ? null : model.player.picture(),
          hasFailed ? model.player.fault.value || "this frame cannot be decoded" : null,
        );
      }),
      effect(() => stage.dress(sceneryOf(model))),
      effect(() => {
        const { to, count: times } = model.zoom.value;
        if (!times) return;
        const box = to === "animals" ? model.boxOfChosen() : null;
        if (box) stage.setView(fitAnimals(box, model.video, stage.size));
        else stage.fit();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      stage.close();
      stage.element.remove();
    };
  }, [model]);
  const item = model.openItem_.value;
  return (
    <div class="stage" ref={holder} data-frame={model.player.frame.value} data-state={model.player.state.value}>
      <div class="stage-corner">
        <b>{count(model.player.frame.value)}</b>
        {item && <span class="reason">{kindOf(item.kind)}</span>}
        {model.poses.isReviewed(model.player.frame.value) && <span class="fine">seen and right</span>}
        {model.player.state.value === "waiting" && <span class="soft">…</span>}
        <OtherPeople model={model} />
      </div>
      {model.poses.fault.value && <div class="stage-note bad">{model.poses.fault.value}</div>}
    </div>
  );
}

function OtherPeople({ model }: { model: Proofreading }): JSX.Element {
  const others = people.value.filter((one) => !isMe(one) && one.recording === model.recording.name);
  return (
    <>
      {others.map((one) => (
        <span class="other" key={one.client}>
          {one.author} {one.video === model.video.name ? `at ${count(one.frame ?? null)}` : `in ${one.video}`}
        </span>
      ))}
    </>
  );
}

function sceneryOf(model: Proofreading): Parameters<Stage["dress"]>[0] {
  const show = model.show.value;
  const frame = model.player.frame.value;
  const animals = model.animals.value;
  const item = model.openItem_.value;
  const selection = model.selection.value;
  const nodes = model.selectedNodes.value;
  const figures: Figure[] = !show.animals
    ? []
    : animals.map((animal) => {
        const key = keyOf(animal);
        const isGhost = (animal.flags & FLAG.removed) !== 0;
        return {
          points: animal.points,
          look: lookOf(animal.name, animal.track, model.names),
          label: isGhost ? `${nameOf(animal)}, removed` : nameOf(animal),
          scores: animal.scores,
          edited: animal.edited,
          isSelected: !isGhost && selection.includes(key),
          selectedNodes: nodes?.key === key ? nodes.nodes : undefined,
          isGhost,
          reason: frame === item?.frame && !isGhost ? model.reasonOf(item, animal) : undefined,
        };
      });
  const placed = model.placed.value;
  return {
    figures,
    trails: show.animals && show.trails ? trailsOf(model, frame) : [],
    edges: model.recording.skeleton?.edges ?? [],
    showEdges: show.edges,
    showNames: show.names,
    placing: placed && { points: placed, look: { color: "#ffffff", dashed: false, letter: "" }, label: "" },
    next: placed ? (model.nodes[model.placing.value?.length ?? 0] ?? null) : null,
  };
}

function trailsOf(model: Proofreading, frame: number): { places: ([number, number] | null)[]; color: string }[] {
  const trails: { places: ([number, number] | null)[]; color: string }[] = [];
  for (const animal of model.animals.value) {
    if (animal.track < 0 || animal.flags & FLAG.removed) continue;
    const places: ([number, number] | null)[] = [];
    for (let at = Math.max(frame - TRAIL_FRAMES, 0); at <= frame; at++) {
      const own =
        at === frame
          ? animal
          : model.poses.at(at)?.find((one) => one.track === animal.track && !(one.flags & FLAG.removed));
      places.push(own ? centerOf(own.points) : null);
    }
    trails.push({ places, color: lookOf(animal.name, animal.track, model.names).color });
  }
  return trails;
}
