// A small cage for tests: two animals of three nodes that walk to the right, one above the other.

import type { Scene } from "../source/core/edits";
import type { Animal } from "../source/core/poses";

export const NODES = ["nose", "body", "tail"];

export function pose(animal: number, frame: number): Float32Array {
  const [x, y] = [60 + 3 * frame, 60 + 80 * animal];
  return Float32Array.from([x, y, x - 20, y + 3, x - 40, y]);
}

export function animal(track: number, frame: number, changes: Partial<Animal> = {}): Animal {
  return {
    frame,
    row: 2 * frame + track,
    track,
    base: track,
    tracklet: track,
    name: null,
    nameScore: 0,
    score: 0.9,
    points: pose(track, frame),
    scores: new Float32Array(3).fill(1),
    edited: new Uint8Array(3),
    added: null,
    flags: 0,
    ...changes,
  };
}

export function scene(frame: number, animals: Animal[] = [animal(0, frame), animal(1, frame)]): Scene {
  return { video: "cage", fingerprint: "f", frame, time: frame / 25, release: null, nodes: NODES, animals };
}
