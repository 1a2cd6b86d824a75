// What page and decoding worker say to each other.

export interface RunMessage {
  kind: "run";
  /** Of the question; answers bear it. */
  id: number;
  from: number;
  to: number;
  codec: string;
  description: string | null;
  width: number;
  height: number;
  frame: Int32Array;
  timestamp: Float64Array;
  key: Uint8Array;
  start: Uint32Array;
  size: Uint32Array;
  data: Uint8Array;
  /** Frames [first, last] are sent; the others are decoded, and dropped. */
  first: number;
  last: number;
}

export interface DropMessage {
  kind: "drop";
  id: number;
}

export type ToWorker = RunMessage | DropMessage;

export type FromWorker =
  | { kind: "frame"; id: number; frame: number; image: VideoFrame }
  | { kind: "done"; id: number; shown: number }
  | { kind: "failed"; id: number; reason: string };
