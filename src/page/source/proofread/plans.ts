// Edits with a scope: which frames they are about, and what is said for that. A scope that is changed afterwards is the
// same plan, made again.

import type { TrackPath } from "../../types";
import { get, part, query } from "../api";
import type { Saying } from "../core/claims";
import { endOfNames, name, present, type Reach, removeAlong, removeHere, type Scene, sight, swap } from "../core/edits";
import { type Animal, FLAG } from "../core/poses";

/** What plans read: frames as they are without the edit in question. */
export interface Reader {
  recording: string;
  video: string;
  frames: number;
  scene(frame: number): Promise<Scene>;
}

export interface Extent {
  reach: Reach;
  /** First and last frame. */
  from: number;
  to: number;
}

export interface Plan {
  kind: "swap" | "name" | "remove";
  /** In the past tense, without its scope. */
  text: string;
  /** Scopes that it can have. */
  reaches: Reach[];
  extent(reach: Reach, range: [number, number] | null): Promise<Extent>;
  build(extent: Extent): Promise<{ sayings: Saying[]; scenes: Scene[] }>;
}

const LOOK_BACK = 25;
/** Farther, the server's path is used: it has 25 frames between its points. */
const READ_FRAMES = 2500;

async function tracklet(reader: Reader, number: number): Promise<TrackPath> {
  return get<TrackPath>(`${base(reader)}/tracklet?${query({ tracklet: number })}`);
}

function base(reader: Reader): string {
  return `/api/recordings/${part(reader.recording)}/videos/${part(reader.video)}`;
}

/** The last frame before, of a few, that shows all of some tracks. */
async function sceneBefore(reader: Reader, frame: number, tracks: number[]): Promise<Scene | null> {
  for (let at = frame - 1; at >= Math.max(frame - LOOK_BACK, 0); at--) {
    const scene = await reader.scene(at);
    if (tracks.every((track) => present(scene).some((one) => one.track === track))) return scene;
  }
  return null;
}

async function sceneAfter(reader: Reader, frame: number, tracks: number[]): Promise<Scene | null> {
  for (let at = frame; at < Math.min(frame + LOOK_BACK, reader.frames); at++) {
    const scene = await reader.scene(at);
    if (tracks.some((track) => present(scene).some((one) => one.track === track))) return scene;
  }
  return null;
}

function find(scene: Scene, like: Animal): Animal | null {
  const all = present(scene);
  return (
    all.find((one) => one.row === like.row && one.row >= 0) ??
    all.find((one) => one.added !== null && one.added === like.added) ??
    null
  );
}

async function extentOf(
  reader: Reader,
  frame: number,
  animals: readonly Animal[],
  reach: Reach,
  range: [number, number] | null,
): Promise<Extent> {
  const end = reader.frames - 1;
  if (reach === "frame") return { reach, from: frame, to: frame };
  if (reach === "range" && range) return { reach, from: range[0], to: range[1] };
  if (reach === "tracklet") {
    const paths = await Promise.all(
      animals.filter((one) => one.tracklet >= 0).map((one) => tracklet(reader, one.tracklet)),
    );
    if (paths.length)
      return {
        reach,
        from: Math.max(...paths.map((one) => one.start)),
        to: Math.min(...paths.map((one) => one.stop)) - 1,
      };
  }
  return { reach: "end", from: frame, to: end };
}

export function planSwap(reader: Reader, frame: number, a: Animal, b: Animal): Plan {
  return {
    kind: "swap",
    text: "Swapped",
    reaches: ["frame", "range", "tracklet", "end"],
    extent: async (reach, range) => {
      const own = await extentOf(reader, frame, [a, b], reach, range);
      return reach === "range" ? own : { ...own, from: frame };
    },
    build: async ({ from, to }) => {
      const scene = await reader.scene(from);
      const tracks = [a.track, b.track];
      const [one, other] = [a, b].map(
        (like) => find(scene, like) ?? present(scene).find((own) => own.track === like.track && own.track >= 0) ?? null,
      );
      if (!one || !other) return { sayings: [], scenes: [] };
      const before = await sceneBefore(reader, from, tracks);
      const sayings = swap(scene, before, one, other);
      const scenes = [scene, ...(before ? [before] : [])];
      if (to < reader.frames - 1) {
        const after = await sceneAfter(reader, to + 1, tracks);
        const last = await sceneBefore(reader, to + 1, tracks);
        if (after) {
          sayings.push(
            ...endOfNames(
              after,
              last,
              new Map([
                [tracks[0]!, tracks[1]!],
                [tracks[1]!, tracks[0]!],
              ]),
            ),
          );
          scenes.push(after, ...(last ? [last] : []));
        }
      }
      return { sayings, scenes };
    },
  };
}

export function planName(reader: Reader, frame: number, animal: Animal, given: string): Plan {
  const reaches: Reach[] = animal.name === null ? ["end"] : ["frame", "range", "tracklet", "end"];
  return {
    kind: "name",
    text: `Named ${given}`,
    reaches,
    extent: async (reach, range) => {
      const own = await extentOf(reader, frame, [animal], reach, range);
      return reach === "range" ? own : { ...own, from: frame };
    },
    build: async ({ from, to }) => {
      const scene = await reader.scene(from);
      const own = find(scene, animal) ?? present(scene).find((one) => one.track === animal.track);
      if (!own) return { sayings: [], scenes: [] };
      const sayings = name(scene, own, given);
      const scenes = [scene];
      if (to < reader.frames - 1) {
        const holder = present(scene).find((one) => one.name === given);
        const tracks = [own.track, ...(holder ? [holder.track] : [])];
        const after = await sceneAfter(reader, to + 1, tracks);
        if (after) {
          for (const one of present(after))
            if (tracks.includes(one.track) && one.name !== null)
              sayings.push({ kind: "name", where: sight(after, one), name: one.name });
          scenes.push(after);
        }
      }
      return { sayings, scenes };
    },
  };
}

export function planRemove(reader: Reader, frame: number, animal: Animal): Plan {
  return {
    kind: "remove",
    text: "Removed",
    reaches: animal.track < 0 ? ["frame"] : ["frame", "range", "tracklet", "end"],
    extent: (reach, range) => extentOf(reader, frame, [animal], reach, range),
    build: async ({ reach, from, to }) => {
      const here = await reader.scene(frame);
      const own = find(here, animal);
      if (reach === "frame")
        return own ? { sayings: removeHere(here, own), scenes: [here] } : { sayings: [], scenes: [] };
      if (to - from < READ_FRAMES) {
        const along: { scene: Scene; animal: Animal }[] = [];
        for (let at = from; at <= to; at++) {
          const scene = await reader.scene(at);
          const one = present(scene).find((other) => other.track === animal.track && !(other.flags & FLAG.removed));
          if (one) along.push({ scene, animal: one });
        }
        return { sayings: removeAlong(along), scenes: [here] };
      }
      return { sayings: await removeFar(reader, reach, animal, from, to), scenes: [here] };
    },
  };
}

async function removeFar(reader: Reader, reach: Reach, animal: Animal, from: number, to: number): Promise<Saying[]> {
  const found =
    reach === "tracklet" && animal.tracklet >= 0
      ? await tracklet(reader, animal.tracklet)
      : await get<TrackPath>(`${base(reader)}/path?${query({ track: animal.base, from, to: to + 1 })}`);
  const begin = found.path[0];
  if (!begin) return [];
  const scene = await reader.scene(begin[0]);
  const first = present(scene).find((one) => one.base === animal.base);
  return first ? [{ kind: "absence", where: sight(scene, first), path: found.path }] : [];
}
