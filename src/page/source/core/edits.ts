// What a person does in a frame, as claims: what is true afterwards.

import type { Point, Saying, Sighting } from "./claims";
import { TRACK } from "./claims";
import { type Animal, centerOf, FLAG, pointOf, toPoints } from "./poses";

/** A frame as it is shown. */
export interface Scene {
  video: string;
  fingerprint: string;
  frame: number;
  time: number | null;
  release: string | null;
  nodes: readonly string[];
  animals: readonly Animal[];
}

/** Animals that a person has not taken out. */
export function present(scene: Scene): Animal[] {
  return scene.animals.filter((animal) => !(animal.flags & FLAG.removed));
}

export function sight(scene: Scene, animal: Animal | null): Sighting {
  const shown = present(scene);
  const place = animal ? shown.findIndex((one) => one.row === animal.row && one.added === animal.added) : -1;
  if (animal && place < 0) throw new Error(`the animal must be one of frame ${scene.frame}, got row ${animal.row}`);
  return {
    video: scene.video,
    frame: scene.frame,
    nodes: [...scene.nodes],
    animals: shown.map((one) => toPoints(one.points)),
    animal: animal ? place : null,
    time_s: scene.time,
    content: scene.fingerprint,
    release: scene.release,
  };
}

/** How far in time an edit reaches. */
export type Reach = "frame" | "tracklet" | "range" | "end";

/** Name that says of an animal in later frames what it is called now. */
function nameFor(animal: Animal): string {
  return animal.name ?? `${TRACK}${animal.track}`;
}

/**
 * Two animals have been taken for each other from here on. What is said is who they are: each continues the other's
 * animal of the frame before, and bears its name, where it has one.
 *
 * @param before a frame before this one that shows both tracks; null where there is none.
 */
export function swap(scene: Scene, before: Scene | null, a: Animal, b: Animal): Saying[] {
  const sayings: Saying[] = [];
  const was = (track: number): Animal | undefined =>
    before ? present(before).find((one) => one.track === track) : undefined;
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const earlier = other.track >= 0 ? was(other.track) : undefined;
    if (before && earlier)
      sayings.push({ kind: "continuation", where: sight(scene, one), before: sight(before, earlier) });
    else if (other.track >= 0 && other.name === null)
      sayings.push({ kind: "name", where: sight(scene, one), name: nameFor(other) });
    if (other.name !== null) sayings.push({ kind: "name", where: sight(scene, one), name: other.name });
  }
  return sayings;
}

/**
 * What has to be said at the first frame after a range, so that an edit of who is who ends there.
 *
 * @param after that frame, without the edit. last: the last frame of the range, without the edit too.
 * @param tracks that the edit is about, and in its range, from → to, has exchanged.
 */
export function endOfNames(after: Scene, last: Scene | null, tracks: ReadonlyMap<number, number>): Saying[] {
  const sayings: Saying[] = [];
  for (const animal of present(after)) {
    const exchanged = tracks.get(animal.track);
    if (exchanged === undefined) continue;
    const earlier = last && present(last).find((one) => one.track === exchanged);
    if (last && earlier)
      sayings.push({ kind: "continuation", where: sight(after, animal), before: sight(last, earlier) });
    if (animal.name !== null) sayings.push({ kind: "name", where: sight(after, animal), name: animal.name });
  }
  return sayings;
}

export function name(scene: Scene, animal: Animal, given: string): Saying[] {
  return [{ kind: "name", where: sight(scene, animal), name: given }];
}

/** Whether a name is given to an animal that has none, and nobody of the frame bears it. */
export function isFirstName(animals: readonly Animal[], own: Animal | undefined, given: string): boolean {
  return own?.name === null && animals.every((one) => one.name !== given);
}

export function join(scene: Scene, animal: Animal, before: Scene, earlier: Animal): Saying[] {
  return [{ kind: "continuation", where: sight(scene, animal), before: sight(before, earlier) }];
}

export function moveNodes(scene: Scene, animal: Animal, points: Record<string, Point>): Saying[] {
  return [{ kind: "points", where: sight(scene, animal), points }];
}

export function addAnimal(scene: Scene, points: Record<string, Point>, given: string | null): Saying[] {
  return [{ kind: "animal", where: sight(scene, null), points, name: given }];
}

export function reviewed(video: string, frame: number): Saying[] {
  return [{ kind: "reviewed", video, frame }];
}

/** No animal: in this frame alone. */
export function removeHere(scene: Scene, animal: Animal): Saying[] {
  return [{ kind: "absence", where: sight(scene, animal), path: [] }];
}

/** All nodes of an animal are as they are shown: a person has looked at them. */
export function confirm(scene: Scene, animal: Animal): Saying[] {
  const points: Record<string, Point> = {};
  scene.nodes.forEach((node, place) => {
    const point = pointOf(animal.points, place);
    if (point) points[node] = point;
  });
  return moveNodes(scene, animal, points);
}

const PATH_FRAMES = 25;
const PATH_PX = 2;

/**
 * Where an animal is in frames that follow each other, as few points as say it to 2 px, at least one in 25 frames. Where
 * it is not there a path ends, and another begins: another animal that passes there meanwhile is not meant.
 */
export function findPaths(places: readonly { frame: number; x: number; y: number }[]): [number, number, number][][] {
  const paths: [number, number, number][][] = [];
  let begin = 0;
  for (let at = 1; at <= places.length; at++) {
    if (at < places.length && places[at]!.frame === places[at - 1]!.frame + 1) continue;
    paths.push(thin(places.slice(begin, at)));
    begin = at;
  }
  return paths.filter((path) => path.length);
}

function thin(places: readonly { frame: number; x: number; y: number }[]): [number, number, number][] {
  const kept: [number, number, number][] = [];
  let at = 0;
  while (at < places.length) {
    const { frame, x, y } = places[at]!;
    kept.push([frame, round(x), round(y)]);
    if (at === places.length - 1) break;
    let next = Math.min(at + PATH_FRAMES, places.length - 1);
    while (next > at + 1 && !isStraight(places, at, next)) next--;
    at = next;
  }
  return kept;
}

function isStraight(places: readonly { frame: number; x: number; y: number }[], from: number, to: number): boolean {
  const [a, b] = [places[from]!, places[to]!];
  for (let at = from + 1; at < to; at++) {
    const one = places[at]!;
    const part = (one.frame - a.frame) / (b.frame - a.frame);
    if (Math.hypot(a.x + part * (b.x - a.x) - one.x, a.y + part * (b.y - a.y) - one.y) > PATH_PX) return false;
  }
  return true;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * No animal, along its way through several frames.
 *
 * @param scenes the frames in which it is shown, in order. */
export function removeAlong(scenes: readonly { scene: Scene; animal: Animal }[]): Saying[] {
  const byFrame = new Map(scenes.map((one) => [one.scene.frame, one]));
  const places = scenes.flatMap(({ scene, animal }) => {
    const center = centerOf(animal.points);
    return center ? [{ frame: scene.frame, x: center[0], y: center[1] }] : [];
  });
  return findPaths(places).map((path) => {
    const { scene, animal } = byFrame.get(path[0]![0])!;
    return { kind: "absence", where: sight(scene, animal), path: path.length > 1 ? path : [] };
  });
}
