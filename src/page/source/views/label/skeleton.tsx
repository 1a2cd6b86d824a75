// A first label file: the skeleton by clicks in a frame, or from another file, and the animals' names.

import { effect, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LabelFiles, RecordingList, SkeletonFacts } from "../../../types";
import { lookOfPlace } from "../../core/palette";
import { readOnly, tellFault } from "../../data/session";
import {
  addNode,
  type Draft,
  EMPTY,
  faultOf,
  findSymmetries,
  removeNode,
  rename,
  toggleEdge,
  toSkeleton,
} from "../../label/skeleton";
import { facts } from "../../label/videos";
import { Player } from "../../player/player";
import { Stage } from "../../stage/stage";
import { useCommands } from "../commands";
import { Act, Key } from "../parts";

interface Props {
  list: RecordingList;
  videos: string[];
  files: LabelFiles;
  make: (name: string, skeleton: SkeletonFacts, tracks: string[]) => Promise<void>;
}

export function SkeletonEditor({ list, videos, files, make }: Props): JSX.Element {
  const draft = useSignal<Draft>(EMPTY);
  const chosen = useSignal<number | null>(null);
  const [video, setVideo] = useState(videos[0]!);
  const [names, setNames] = useState("");
  const [file, setFile] = useState(files.files.some((one) => one.name.endsWith("page.slp")) ? "page2" : "page");
  const [given, setGiven] = useState<SkeletonFacts | null>(null);
  const player = useSignal<Player | null>(null);
  const holder = useRef<HTMLDivElement>(null);
  const sources = files.files.filter((one) => one.skeleton?.nodes.length);

  useEffect(() => {
    let isGone = false;
    facts(list, video)
      .then((own) => {
        if (isGone || !own) return;
        player.value = new Player(own.video, { frame: Math.floor(own.video.frames / 2), stills: true });
      })
      .catch(tellFault);
    return () => {
      isGone = true;
      player.peek()?.close();
      player.value = null;
    };
  }, [video]);

  useEffect(() => {
    const stage = new Stage(
      { width: 640, height: 480 },
      {
        pick: (figure, node, isMore) => {
          if (figure === null) {
            chosen.value = null;
            return;
          }
          const before = chosen.peek();
          if (node >= 0 && isMore && before !== null) draft.value = toggleEdge(draft.peek(), before, node);
          chosen.value = node < 0 ? before : node;
        },
        drag: (_, points) => {
          const nodes = draft.peek().nodes.map((node, at) => ({ ...node, at: points.get(at) ?? node.at }));
          draft.value = { ...draft.peek(), nodes };
        },
        place: () => undefined,
        context: (_, node) => {
          if (node >= 0) draft.value = removeNode(draft.peek(), node);
        },
        double: () => undefined,
        lasso: () => undefined,
        empty: (x, y) => {
          draft.value = addNode(draft.peek(), [x, y], chosen.peek());
          chosen.value = draft.peek().nodes.length - 1;
        },
      },
    );
    holder.current!.append(stage.element);
    let shown: Player | null = null;
    const stops = [
      effect(() => {
        const own = player.value;
        if (!own) return;
        void own.shown.value;
        if (own !== shown) {
          shown = own;
          stage.setImage(own.video);
          stage.fit();
        }
        stage.show(own.picture(), own.state.value === "failed" ? own.fault.value : null);
      }),
      effect(() => {
        const { nodes, edges } = draft.value;
        const points = new Float32Array(nodes.flatMap((node) => node.at));
        stage.dress({
          figures: nodes.length
            ? [
                {
                  points,
                  look: lookOfPlace(0),
                  label: "",
                  selectedNodes: new Set(chosen.value === null ? [] : [chosen.value]),
                },
              ]
            : [],
          trails: [],
          edges,
          showEdges: true,
          showNames: false,
          placing: null,
          next: null,
          texts: nodes.map((node) => ({ at: node.at, text: node.name })),
        });
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      stage.close();
      stage.element.remove();
    };
  }, []);

  useCommands((command) => {
    const own = player.peek();
    if (command === "remove" && chosen.peek() !== null) {
      draft.value = removeNode(draft.peek(), chosen.peek()!);
      chosen.value = null;
    } else if (command === "escape") chosen.value = null;
    else if (command === "step") own?.step(1);
    else if (command === "stepBack") own?.step(-1);
    else if (command === "jump100") own?.step(100);
    else if (command === "jump100Back") own?.step(-100);
    else return false;
    return true;
  });

  const fault = given ? null : faultOf(draft.value);
  const skeleton = given ?? toSkeleton(draft.value);
  const tracks = names
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);
  const pairs = findSymmetries(skeleton.nodes);
  return (
    <div class="work">
      <aside class="panel left wide">
        <header>
          <h2>A first model in three steps</h2>
        </header>
        <section>
          <ol class="steps">
            <li class="now">
              <b>Skeleton and names</b>
              <span class="soft">
                Click the parts of one animal in the frame, in the order in which you will click them from now on. A
                click connects the node to the one that is chosen; Esc chooses none; Shift+click on a node connects or
                disconnects; right-click or Del removes.
              </span>
            </li>
            <li>
              <b>Label frames</b>
              <span class="soft">20 frames spread over all recordings will do to begin with.</span>
            </li>
            <li>
              <b>Train</b>
              <span class="soft">Run: the night's run trains the networks and predicts all recordings.</span>
            </li>
          </ol>
        </section>
        <section>
          <label class="field">
            <span class="soft small">frame of</span>
            <select value={video} onChange={(event) => setVideo(event.currentTarget.value)}>
              {videos.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          <div class="keys">
            <Key text="frame back" command="jump100Back" act={() => player.peek()?.step(-100)} />
            <Key text="frame on" command="jump100" act={() => player.peek()?.step(100)} />
          </div>
        </section>
      </aside>
      <div class="middle">
        <div class="stage" ref={holder} data-state={player.value?.state.value}>
          <div class="stage-corner">
            {!draft.value.nodes.length && !given && <span class="reason">Click the first node, the nose perhaps</span>}
          </div>
        </div>
      </div>
      <aside class="panel right">
        <header>
          <h2>Nodes</h2>
          <span class="soft">{skeleton.nodes.length || ""}</span>
        </header>
        <div class="list nodes edit">
          {given
            ? given.nodes.map((node) => (
                <div class="node" key={node}>
                  {node}
                </div>
              ))
            : draft.value.nodes.map((node, at) => (
                <input
                  key={at}
                  value={node.name}
                  aria-label={`name of node ${at + 1}`}
                  class={chosen.value === at ? "chosen" : ""}
                  maxLength={100}
                  onFocus={(event) => {
                    chosen.value = at;
                    event.currentTarget.select();
                  }}
                  onInput={(event) => {
                    draft.value = rename(draft.peek(), at, event.currentTarget.value);
                  }}
                />
              ))}
          {!skeleton.nodes.length && <p class="soft pad">None yet.</p>}
        </div>
        {pairs.length > 0 && (
          <p class="soft small pad">
            Mirrored: {pairs.map(([a, b]) => `${skeleton.nodes[a]} and ${skeleton.nodes[b]}`).join("; ")}
          </p>
        )}
        <section>
          {sources.length > 0 && (
            <label class="field">
              <span class="soft small">or as in</span>
              <select
                onChange={(event) =>
                  setGiven(sources.find((one) => one.name === event.currentTarget.value)?.skeleton ?? null)
                }
              >
                <option value="">drawn here</option>
                {sources.map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
          )}
          <label class="field">
            <span class="soft small">names of animals, if each is to be known</span>
            <input value={names} placeholder="ada, bob" onInput={(event) => setNames(event.currentTarget.value)} />
          </label>
          <label class="field">
            <span class="soft small">file in labels/</span>
            <input value={file} pattern="[A-Za-z0-9_.\-]+" onInput={(event) => setFile(event.currentTarget.value)} />
          </label>
          {fault && <p class="soft small">{fault}</p>}
          <Act
            kind="main"
            text="Make the label file"
            off={fault !== null || readOnly.value || !file.trim()}
            act={() => make(file.trim().replace(/\.slp$/, ""), skeleton, tracks)}
          />
        </section>
      </aside>
    </div>
  );
}
