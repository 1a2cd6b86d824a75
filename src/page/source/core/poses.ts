// Animals of frames: what the server sends of a pose table, and what the page shows of it.

import type { PosesHead } from "../../types";
import type { Blocks } from "./blocks";
import type { Point } from "./claims";

/** Of an animal's `flags`, as the server has them. */
export const FLAG = { edited: 1, removed: 2, added: 4, named: 8, untracked: 16, waiting: 32 } as const;

/** An animal of one frame, as it is shown. */
export interface Animal {
  frame: number;
  /** Row of the predictions; -1 of one that a person added. */
  row: number;
  /** That is shown, with all claims that the page knows of. */
  track: number;
  /** As the server's window has it; claims that are still on their way change `track`, never this. */
  base: number;
  tracklet: number;
  name: string | null;
  nameScore: number;
  score: number;
  /** (x, y) of each node, NaN where it is not seen. */
  points: Float32Array;
  scores: Float32Array;
  /** 1 of each node that a person set. */
  edited: Uint8Array;
  /** Id of the claim that added it. */
  added: string | null;
  flags: number;
}

/** Mean of the nodes that are seen; null without any. */
export function centerOf(points: Float32Array): [number, number] | null {
  let x = 0;
  let y = 0;
  let seen = 0;
  for (let at = 0; at < points.length; at += 2) {
    if (Number.isNaN(points[at]!)) continue;
    x += points[at]!;
    y += points[at + 1]!;
    seen++;
  }
  return seen ? [x / seen, y / seen] : null;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Box of all nodes that are seen; null without any. */
export function boxOf(poses: Iterable<Float32Array>): Box | null {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const points of poses) {
    for (let at = 0; at < points.length; at += 2) {
      const [x, y] = [points[at]!, points[at + 1]!];
      if (Number.isNaN(x)) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
  }
  return box.left > box.right ? null : box;
}

export function toPoints(points: Float32Array): Point[] {
  return Array.from({ length: points.length / 2 }, (_, node) => pointOf(points, node));
}

export function pointOf(points: Float32Array, node: number): Point {
  const [x, y] = [points[2 * node]!, points[2 * node + 1]!];
  return Number.isNaN(x) || Number.isNaN(y) ? null : [round(x), round(y)];
}

export function fromPoints(points: readonly (Point | undefined)[]): Float32Array {
  const array = new Float32Array(2 * points.length).fill(Number.NaN);
  points.forEach((point, node) => {
    if (point) array.set(point, 2 * node);
  });
  return array;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Mean distance over the nodes that both have; NaN where they share none. */
export function distanceOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  let shared = 0;
  for (let at = 0; at < a.length; at += 2) {
    const distance = Math.hypot(a[at]! - b[at]!, a[at + 1]! - b[at + 1]!);
    if (Number.isNaN(distance)) continue;
    sum += distance;
    shared++;
  }
  return sum / shared;
}

/** Animals of the frames [from, to). */
export class PoseWindow {
  readonly head: PosesHead;
  readonly failed: ReadonlySet<number>;
  readonly reviewed: ReadonlySet<number>;
  private readonly cache = new Map<number, Animal[]>();

  constructor(private readonly blocks: Blocks<PosesHead>) {
    this.head = blocks.head;
    this.failed = new Set(blocks.head.failed);
    this.reviewed = new Set(blocks.head.reviewed);
  }

  holds(frame: number): boolean {
    return frame >= this.head.from_frame && frame < this.head.to_frame;
  }

  /** The animals of a frame, those that a person took out (`FLAG.removed`) too. */
  at(frame: number): Animal[] {
    let found = this.cache.get(frame);
    if (!found) {
      found = this.read(frame);
      this.cache.set(frame, found);
    }
    return found;
  }

  private read(frame: number): Animal[] {
    const { arrays, head } = this.blocks;
    const nodes = head.nodes.length;
    const begin = arrays.begin!;
    const animals: Animal[] = [];
    for (let at = begin[frame - head.from_frame]!; at < begin[frame - head.from_frame + 1]!; at++) {
      const points = new Float32Array(2 * nodes);
      for (let place = 0; place < 2 * nodes; place++) {
        const value = arrays.points![2 * nodes * at + place]!;
        points[place] = value === -32768 && head.scale !== 1 ? Number.NaN : value * head.scale;
      }
      const row = arrays.row![at]!;
      const name = arrays.name![at]!;
      const track = arrays.track![at]!;
      animals.push({
        frame,
        row,
        track,
        base: track,
        tracklet: arrays.tracklet![at]!,
        name: name < 0 ? null : (head.names[name] ?? null),
        nameScore: arrays.name_score![at]!,
        score: arrays.score![at]!,
        points,
        scores: Float32Array.from(arrays.node_score!.subarray(nodes * at, nodes * (at + 1)), (value) => value / 255),
        edited: Uint8Array.from(arrays.edited!.subarray(nodes * at, nodes * (at + 1))),
        added: row < 0 ? (head.added?.[-row - 1] ?? null) : null,
        flags: arrays.flags![at]!,
      });
    }
    return animals;
  }
}
