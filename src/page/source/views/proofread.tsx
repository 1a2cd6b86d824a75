// Proofread: the frame in the middle; left, review items in a frozen order; right, the animals; below, a lane an animal.

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Recording, ReviewItem, VideoFacts } from "../../types";
import { get, part } from "../api";
import type { Reach } from "../core/edits";
import { type Command, labelOf } from "../core/keys";
import { lookOf } from "../core/palette";
import { centerOf, FLAG } from "../core/poses";
import { clock, count, duration, nameOf, percent, readPlace } from "../core/text";
import { fitAnimals } from "../core/view";
import { isMe, people, tell } from "../data/session";
import { keyOf, type Place, Proofreading } from "../proofread/model";
import { kindOf } from "../proofread/review";
import { addressOf, go, note, route, visits } from "../router";
import type { Figure } from "../stage/draw";
import { Lanes } from "../stage/lanes";
import { Stage } from "../stage/stage";
import { useCommands } from "./commands";
import { Empty, Key, Swatch, useAnswer } from "./parts";
import { place } from "./status";

const TRAIL_FRAMES = 25;

export function ProofreadView(): JSX.Element {
  const [name, video] = route.value.parts;
  const { answer, fault } = useAnswer<Recording | null>(
    (signal) => (name ? get<Recording>(`/api/recordings/${part(name)}`, signal) : Promise.resolve(null)),
    name,
  );
  if (!name)
    return (
      <Empty title="No recording is open">
        <p>
          Open one from <a href="/recordings">Recordings</a>: those with the most expected errors come first.
        </p>
      </Empty>
    );
  if (fault)
    return (
      <Empty title={name}>
        <p class="bad">{fault}</p>
      </Empty>
    );
  if (!answer || answer.name !== name) return <Empty title={name} />;
  const own =
    answer.videos.find((one) => one.name === video) ??
    answer.videos.find((one) => one.state === "ok") ??
    answer.videos[0];
  if (own?.state !== "ok" || !own.frames)
    return (
      <Empty title={name}>
        <p class="bad">{own?.reason ?? answer.reason ?? "This recording has no video that can be shown."}</p>
        {answer.problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </Empty>
    );
  return <Open key={`${name}/${own.name}`} recording={answer} video={own} />;
}

function placeOf(query: URLSearchParams): Place {
  const frame = Number(query.get("frame") ?? Number.NaN);
  return {
    frame: Number.isFinite(frame) ? frame : null,
    item: query.get("item"),
    stills: query.get("frames") === "stills",
  };
}

function Open({ recording, video }: { recording: Recording; video: VideoFacts }): JSX.Element {
  const [model, setModel] = useState<Proofreading | null>(null);
  useEffect(() => {
    const own = new Proofreading(recording, video, placeOf(route.peek().query));
    own.leave = (item) => go(addressOf("proofread", [recording.name, item.video], { item: item.id }));
    setModel(own);
    return () => own.close();
  }, [recording, video]);
  if (!model) return <div class="work" />;
  return <Desk model={model} />;
}

function Desk({ model }: { model: Proofreading }): JSX.Element {
  useCommands((command, stroke) => model.run(command, stroke));
  useAddress(model);
  useEffect(
    () =>
      effect(() => {
        const frame = model.player.frame.value;
        place.value = {
          frame,
          frames: model.video.frames,
          time: clock(model.timeOf(frame)),
          where: `${model.recording.name}${model.recording.videos.length > 1 ? ` · ${model.video.name}` : ""}`,
        };
      }),
    [model],
  );
  return (
    <div class="work">
      <ItemList model={model} />
      <div class="middle">
        <Frame model={model} />
        <Transport model={model} />
        <Bottom model={model} />
      </div>
      <Animals model={model} />
      {model.goingTo.value && <GoTo model={model} />}
    </div>
  );
}

/** The address says frame and item; Back goes to the item before. */
function useAddress(model: Proofreading): void {
  useEffect(() => {
    let last = model.item.peek();
    let visit = visits.peek();
    const stop = effect(() => {
      const item = model.item.value;
      const frame = model.player.playing.value ? null : model.player.frame.value;
      const asked = route.peek().query.get("frames");
      const address = addressOf("proofread", [model.recording.name, model.video.name], { frame, item, frames: asked });
      note(address, item !== last && last !== null);
      last = item;
    });
    const stopVisits = effect(() => {
      if (visits.value === visit) return;
      visit = visits.value;
      const { view, parts, query } = route.peek();
      if (view !== "proofread" || parts[0] !== model.recording.name) return;
      const { frame, item } = placeOf(query);
      last = item;
      const own = model.queue.peek().get(item);
      if (own && item !== model.item.peek()) model.openItem(own, frame);
      else if (frame !== null) model.player.seek(frame);
    });
    return () => {
      stop();
      stopVisits();
    };
  }, [model]);
}

function Frame({ model }: { model: Proofreading }): JSX.Element {
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

function namesOf(model: Proofreading, item: ReviewItem): string {
  const isHere = item.video === model.video.name;
  const names = item.tracks.map(
    (track, at) => item.identities[at] ?? (isHere ? model.nameAt(track, item.frame) : null) ?? `track ${track}`,
  );
  return names.length ? names.join(", ") : `frame ${count(item.frame)}`;
}

function ItemList({ model }: { model: Proofreading }): JSX.Element {
  void model.queueVersion.value;
  const queue = model.queue.value;
  const list = queue.list;
  const open = queue.open;
  const review = model.review.value;
  const current = useRef<HTMLButtonElement>(null);
  const left = open.reduce((sum, item) => sum + item.expected_errors, 0);
  useEffect(() => current.current?.scrollIntoView({ block: "nearest" }), [model.item.value]);
  const claims = list.filter((item) => item.claim);
  return (
    <aside class="panel left" aria-label="Review items">
      <header>
        <h2>Review</h2>
        <span class="soft">
          {open.length ? `${count(open.length)} left` : list.length ? "all answered" : ""}
          {open.length && review?.items.length
            ? ` · ${duration((review.cost_s / Math.max(review.items.filter((one) => one.state === "open").length, 1)) * open.length)}`
            : ""}
        </span>
      </header>
      {list.length > 0 && (
        <p class="soft small">
          {open.length > 0
            ? `${count(left)} expected errors left of ${count(review?.total_expected_errors ?? left)}`
            : "No expected errors are left open."}
          {claims.length > 0 && ` · ${claims.length} edits to look at`}
        </p>
      )}
      {model.hasNewList.value && (
        <Key
          text="There is a new list: open it"
          act={() => {
            model.reopenList();
            model.queueVersion.value++;
          }}
        />
      )}
      <div class="list" role="listbox">
        {list.map((item) => (
          <button
            type="button"
            key={item.id}
            ref={item.id === model.item.value ? current : null}
            class={`item ${item.state}`}
            role="option"
            aria-selected={item.id === model.item.value}
            onClick={(event) => {
              event.currentTarget.blur();
              model.openItem(item);
            }}
          >
            <span class="rank">{item.state === "answered" ? "✓" : item.rank}</span>
            <span class="what">
              {namesOf(model, item)}
              <small>
                {kindOf(item.kind)} · {item.time_s === null ? `frame ${count(item.frame)}` : clock(item.time_s)}
                {item.video !== model.video.name && ` · ${item.video}`}
                {item.answered_by && ` · ${item.answered_by}`}
                {item.note && ` · ${item.note}`}
              </small>
            </span>
            <span class="number" title="expected errors, animal-frames">
              {item.expected_errors >= 0.5 ? count(item.expected_errors) : "<1"}
            </span>
          </button>
        ))}
        {!list.length && (
          <p class="soft pad">
            No review items. Frames can still be proofread: K plays, the bar below shows where tracks end.
          </p>
        )}
      </div>
      <footer>
        <Key
          command="accept"
          kind="main"
          text="Right"
          act={() => model.accept()}
          title="What is shown is right; goes on to the next"
        />
        <Key command="nextItem" text="Next" act={() => model.nextItem(1)} off={!open.length} />
      </footer>
    </aside>
  );
}

const REACHES: Record<Reach, string> = { frame: "frame", range: "range", tracklet: "tracklet", end: "to end" };

function Animals({ model }: { model: Proofreading }): JSX.Element {
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

const NO_STROKE = { key: "", code: "", ctrl: false, shift: false, alt: false };

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

function Transport({ model }: { model: Proofreading }): JSX.Element {
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

function Bottom({ model }: { model: Proofreading }): JSX.Element {
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

function GoTo({ model }: { model: Proofreading }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
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
