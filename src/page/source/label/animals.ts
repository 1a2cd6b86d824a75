// What is done to the animals of a labeled frame: from animals, animals. Nothing is changed in place.

import type { LabelAnimal } from "../../types";

export type Frame = readonly LabelAnimal[];

export function accept(animals: Frame, place: number): LabelAnimal[] {
  return animals.map((one, at) => (at === place ? { ...one, predicted: false, score: null } : one));
}

export function acceptAll(animals: Frame): LabelAnimal[] {
  return animals.map((one) => (one.predicted ? { ...one, predicted: false, score: null } : one));
}

/** Nodes are where a person put them: the animal is no prediction any more. */
export function move(animals: Frame, place: number, points: ReadonlyMap<number, [number, number]>): LabelAnimal[] {
  return animals.map((one, at) =>
    at === place
      ? {
          ...one,
          predicted: false,
          score: null,
          points: one.points.map((point, node) => points.get(node) ?? point),
          visible: one.visible.map((own, node) => (points.has(node) && !one.points[node] ? true : own)),
        }
      : one,
  );
}

/** In view → placed, and hidden → not there → in view, where it was. */
export function hide(animals: Frame, place: number, nodes: readonly number[]): LabelAnimal[] {
  return animals.map((one, at) =>
    at === place
      ? {
          ...one,
          predicted: false,
          score: null,
          visible: one.visible.map((own, node) => (nodes.includes(node) ? !own : own)),
        }
      : one,
  );
}

export function removeNodes(animals: Frame, place: number, nodes: readonly number[]): LabelAnimal[] {
  const kept = animals.map((one, at) =>
    at === place
      ? {
          ...one,
          predicted: false,
          score: null,
          points: one.points.map((point, node) => (nodes.includes(node) ? null : point)),
        }
      : one,
  );
  return kept.filter((one, at) => at !== place || one.points.some((point) => point));
}

export function remove(animals: Frame, place: number): LabelAnimal[] {
  return animals.filter((_, at) => at !== place);
}

export function add(animals: Frame, points: readonly ([number, number] | null)[], nodes: number): LabelAnimal[] {
  const all = Array.from({ length: nodes }, (_, node) => points[node] ?? null);
  return [...animals, { points: all, visible: all.map(() => true), track: null, predicted: false, score: null }];
}

/** Gives a track; who had it in this frame has none then. */
export function setTrack(animals: Frame, place: number, track: string | null): LabelAnimal[] {
  return animals.map((one, at) =>
    at === place
      ? { ...one, track, predicted: false, score: null }
      : one.track === track && track !== null
        ? { ...one, track: null }
        : one,
  );
}

/** Animals of a person; predictions only stand for what one may begin with. */
export function labeled(animals: Frame): LabelAnimal[] {
  return animals.filter((one) => !one.predicted);
}

/** Predictions as one may begin with, in the order of a file's nodes. */
export function suit(animals: Frame, from: readonly string[], to: readonly string[]): LabelAnimal[] {
  const place = to.map((node) => from.indexOf(node));
  return animals
    .map((one) => ({
      ...one,
      predicted: true,
      points: place.map((at) => one.points[at] ?? null),
      visible: place.map((at) => one.visible[at] ?? true),
    }))
    .filter((one) => one.points.some((point) => point));
}

export interface QueueEntry {
  video: string;
  frame: number;
  state: "labeled" | "suggested" | "predicted";
  animals: number;
}

/** Frames of the queue: those that are labeled or suggested, in the order in which they came; what is new stands last. */
export function mergeQueue(old: readonly QueueEntry[], now: readonly QueueEntry[]): QueueEntry[] {
  const key = (one: QueueEntry): string => `${one.video} ${one.frame}`;
  const fresh = new Map(now.map((one) => [key(one), one]));
  const kept = old.flatMap((one) => {
    const own = fresh.get(key(one));
    fresh.delete(key(one));
    return own ? [own] : [];
  });
  return [...kept, ...fresh.values()];
}
