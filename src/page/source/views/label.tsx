// Label: the frame in the middle; left, the queue; right, animals and nodes. A project without labels begins here.

import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LabelFile, LabelFiles, RecordingList } from "../../types";
import { get, post, stillUrl } from "../api";
import { lookOfPlace, UNNAMED } from "../core/palette";
import { boxOf } from "../core/poses";
import { clock, count, plural, readPlace } from "../core/text";
import { fitAnimals } from "../core/view";
import { author, readOnly, recordingsVersion, tell } from "../data/session";
import { Labeling } from "../label/model";
import { facts } from "../label/videos";
import { addressOf, note, route, visits } from "../router";
import type { Figure } from "../stage/draw";
import { Stage } from "../stage/stage";
import { useCommands } from "./commands";
import { Act, Empty, Key, useAnswer } from "./parts";
import { SkeletonEditor } from "./skeleton";
import { place } from "./status";

const filesVersion = signal(0);

export function LabelView(): JSX.Element {
  const { answer: files, fault } = useAnswer((signal) => get<LabelFiles>("/api/labels", signal), filesVersion.value);
  const { answer: list, fault: listFault } = useAnswer(
    (signal) => get<RecordingList>("/api/recordings", signal),
    recordingsVersion.value,
  );
  const asked = route.value.query.get("file");
  if (fault || listFault)
    return (
      <Empty title="Label">
        <p class="bad">{fault ?? listFault}</p>
      </Empty>
    );
  if (!files || !list) return <Empty title="Label" />;
  if (asked === "new" || !files.files.length) return <Start files={files} list={list} />;
  const own =
    files.files.find((one) => one.name === asked) ??
    files.files.find((one) => one.writable && one.skeleton) ??
    files.files[0]!;
  return <Open key={own.name} file={own} files={files.files} list={list} />;
}

/** Three steps to a first model. */
function Start({ files, list }: { files: LabelFiles; list: RecordingList }): JSX.Element {
  const videos = list.recordings.flatMap((row) => (row.state === "quarantined" ? [] : row.videos));
  if (!videos.length)
    return (
      <Empty title="Nothing to label yet">
        <p>
          Put recordings into the project's folder <code>videos/</code>; they are found by the next run, or at once by{" "}
          <code>poseflow doctor</code>.
        </p>
        {list.warnings.map((one) => (
          <p key={one} class="soft">
            {one}
          </p>
        ))}
      </Empty>
    );
  return (
    <SkeletonEditor
      list={list}
      videos={videos}
      files={files}
      make={async (name, skeleton, tracks) => {
        const file = await post<LabelFile>("/api/labels/create", { name, skeleton, tracks, author: author.peek() });
        note(addressOf("label", [], { file: file.name }), true);
        filesVersion.value++;
      }}
    />
  );
}

function Open({ file, files, list }: { file: LabelFile; files: LabelFile[]; list: RecordingList }): JSX.Element {
  const [model, setModel] = useState<Labeling | null>(null);
  useEffect(() => {
    const { query } = route.peek();
    const frame = Number(query.get("frame") ?? Number.NaN);
    const own = new Labeling(file, list, { video: query.get("video"), frame: Number.isFinite(frame) ? frame : null });
    setModel(own);
    return () => own.close();
  }, [file.name]);
  if (!model) return <div class="work" />;
  return <Desk model={model} files={files} />;
}

function Desk({ model, files }: { model: Labeling; files: LabelFile[] }): JSX.Element {
  useCommands((command, stroke) => model.run(command, stroke));
  useEffect(() => {
    let last = "";
    let visit = visits.peek();
    const stops = [
      effect(() => {
        const open = model.open.value;
        if (!open) return;
        place.value = {
          where: `${model.file.name} · ${open.video.name}`,
          frame: open.frame,
          frames: open.video.frames,
          time: clock(open.frame / (open.video.fps || 25)),
        };
        const address = addressOf("label", [], { file: model.file.name, video: open.video.name, frame: open.frame });
        if (address !== last) note(address, last !== "");
        last = address;
      }),
      effect(() => {
        if (visits.value === visit) return;
        visit = visits.value;
        const { view, query } = route.peek();
        const video = query.get("video");
        last = location.pathname + location.search;
        if (view === "label" && video) void model.goTo(video, Number(query.get("frame") ?? 0));
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [model]);
  return (
    <div class="work">
      <Queue model={model} files={files} />
      <div class="middle">
        <Frame model={model} />
        <Transport model={model} />
      </div>
      <Animals model={model} />
    </div>
  );
}

function Queue({ model, files }: { model: Labeling; files: LabelFile[] }): JSX.Element {
  const queue = model.queue.value;
  const open = model.open.value;
  const labeled = queue.filter((one) => one.state === "labeled").length;
  const suggestions = model.suggestions.value;
  const current = useRef<HTMLButtonElement>(null);
  const [number, setNumber] = useState(20);
  useEffect(() => current.current?.scrollIntoView({ block: "nearest" }), [open?.frame, open?.video.name]);
  return (
    <aside class="panel left" aria-label="Frames to label">
      <header>
        <h2>Label</h2>
        <span class="soft">
          {labeled} of {queue.length} labeled
        </span>
      </header>
      <label class="field">
        <span class="soft small">into</span>
        <select
          value={model.file.name}
          onChange={(event) => {
            note(addressOf("label", [], { file: event.currentTarget.value }), true);
          }}
        >
          {files.map((file) => (
            <option key={file.name} value={file.name}>
              {file.name}
              {file.writable ? "" : " (only to read)"}
            </option>
          ))}
          <option value="new">a new file …</option>
        </select>
      </label>
      {!model.file.writable && <p class="bad small pad">{model.file.reason}</p>}
      <div class="list thumbs" role="listbox">
        {queue.map((one) => {
          const isOpen = open?.video.name === one.video && open.frame === one.frame;
          return (
            <button
              type="button"
              key={`${one.video} ${one.frame}`}
              ref={isOpen ? current : null}
              class={`item ${one.state}`}
              role="option"
              aria-selected={isOpen}
              onClick={(event) => {
                event.currentTarget.blur();
                void model.goTo(one.video, one.frame);
              }}
            >
              <Thumb list={model.list} video={one.video} frame={one.frame} />
              <span class="what">
                {count(one.frame)}
                <small>{one.video}</small>
                <small>
                  {one.state === "labeled"
                    ? `✓ ${one.animals ? plural(one.animals, "animal") : "no animal"}`
                    : one.state === "predicted"
                      ? "predicted"
                      : "to label"}
                </small>
              </span>
            </button>
          );
        })}
        {!queue.length && <p class="soft pad">No frames are chosen yet.</p>}
      </div>
      <footer>
        {suggestions?.state === "working" ? (
          <span class="soft small">choosing frames, {Math.round(100 * suggestions.done)} %</span>
        ) : (
          <>
            <input
              class="number"
              type="number"
              min={1}
              max={200}
              value={number}
              aria-label="how many frames"
              onInput={(event) => setNumber(Number(event.currentTarget.value))}
            />
            <Act
              text={`Choose ${number || ""} frames`}
              act={() => model.suggest(Math.min(Math.max(number || 20, 1), 200))}
              off={readOnly.value}
              kind={queue.length ? "plain" : "main"}
            />
          </>
        )}
      </footer>
      {suggestions?.fault && <p class="bad small pad">{suggestions.fault}</p>}
    </aside>
  );
}

function Thumb({ list, video, frame }: { list: RecordingList; video: string; frame: number }): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  const holder = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let isGone = false;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      void facts(list, video).then(
        (own) => {
          if (!isGone && own) setUrl(stillUrl(video, frame, "thumb", own.video.fingerprint));
        },
        () => undefined,
      );
    });
    seen.observe(holder.current!);
    return () => {
      isGone = true;
      seen.disconnect();
    };
  }, [video, frame]);
  return (
    <span class="thumb" ref={holder}>
      {url && <img src={url} alt="" loading="lazy" width={56} height={42} />}
    </span>
  );
}

function Frame({ model }: { model: Labeling }): JSX.Element {
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

function colorOf(model: Labeling, track: string | null | undefined, at: number): ReturnType<typeof lookOfPlace> {
  const tracks = model.tracks.value;
  if (track) return lookOfPlace(Math.max(tracks.indexOf(track), 0));
  return tracks.length ? { color: UNNAMED, dashed: false, letter: "" } : lookOfPlace(at);
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

function Animals({ model }: { model: Labeling }): JSX.Element {
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
          <Key
            command="remove"
            text="Remove"
            act={() => model.run("remove", { key: "", code: "", ctrl: false, shift: false, alt: false })}
            off={!own}
          />
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

function Transport({ model }: { model: Labeling }): JSX.Element {
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

const NO_STROKE = { key: "", code: "", ctrl: false, shift: false, alt: false };
