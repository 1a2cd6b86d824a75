// Frames from copied packets: runs are asked of the server and decoded by a worker.

import type { PacketsHead, VideoFacts } from "../../types";
import { getBlocks, part, query, ServerFault, Unreachable } from "../api";
import type { Blocks } from "../core/blocks";
import type { FromWorker, ToWorker } from "./messages";

/** Runs whose packets are kept; they are small. */
const KEPT_RUNS = 6;
const MOST_FETCHES = 2;

interface Asked {
  head: PacketsHead;
  first: number;
  last: number;
  isDone: boolean;
}

export interface PacketsEvents {
  picture: (frame: number, image: VideoFrame) => void;
  /** A run came, or did not: another may be asked for. */
  fetched: () => void;
  /** Frames of these runs come as stills only. */
  failed: (from: number, to: number, reason: string) => void;
}

export class PacketSource {
  private readonly worker: Worker;
  private readonly runs = new Map<number, Promise<Blocks<PacketsHead>>>();
  private readonly heads: PacketsHead[] = [];
  private readonly asked = new Map<number, Asked>();
  /** Runs that are on their way, by the frame that they were asked for. */
  private readonly fetching = new Map<number, Promise<Blocks<PacketsHead>>>();
  private readonly bad: { from: number; to: number }[] = [];
  private last = 0;
  private isOff: boolean;
  private isClosed = false;

  /** @param budget frames of the video that may be kept. */
  constructor(
    private readonly video: VideoFacts,
    private readonly budget: number,
    private readonly events: PacketsEvents,
  ) {
    this.isOff = !video.packets || typeof VideoDecoder === "undefined" || video.rotation !== 0;
    this.worker = new Worker("/static/worker.js", { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.take(data);
    this.worker.onerror = () => {
      this.isOff = true;
      this.events.failed(0, this.video.frames, "the decoding worker cannot be started");
    };
  }

  /** Whether packets of a frame may be asked for. */
  serves(frame: number): boolean {
    return !this.isOff && !this.bad.some((run) => frame >= run.from && frame < run.to);
  }

  /** Whether the frame is on its way. */
  isComing(frame: number): boolean {
    return [...this.asked.values()].some((one) => !one.isDone && frame >= one.first && frame <= one.last);
  }

  headOf(frame: number): PacketsHead | null {
    return this.heads.find((head) => frame >= head.from_frame && frame < head.to_frame) ?? null;
  }

  /** Begins to decode the run that holds a frame, or as much of it around the frame as may be kept. */
  async ask(frame: number, direction: 1 | -1 = 1): Promise<void> {
    if (!this.serves(frame) || this.isComing(frame)) return;
    // Which frames a run has is not known before it is there: what is asked meanwhile waits for it.
    if (!this.headOf(frame) && this.fetching.size >= MOST_FETCHES) return;
    let blocks: Blocks<PacketsHead>;
    try {
      blocks = await this.fetch(frame);
    } catch (error) {
      if (error instanceof ServerFault && error.code === "stills_only") this.isOff = true;
      else if (error instanceof ServerFault && error.status < 500) this.bad.push({ from: frame, to: frame + 1 });
      else if (!(error instanceof ServerFault) && !(error instanceof Unreachable)) throw error;
      this.events.failed(frame, frame + 1, error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.isClosed || this.isComing(frame)) return;
    const { head, arrays } = blocks;
    const behind = direction > 0 ? Math.floor(this.budget / 4) : Math.floor((3 * this.budget) / 4);
    const first = Math.max(head.from_frame, head.to_frame - head.from_frame <= this.budget ? 0 : frame - behind);
    const last = Math.min(head.to_frame - 1, first + this.budget - 1);
    for (const [id, one] of this.asked) {
      // what lies elsewhere would only keep this waiting
      if (!one.isDone && Math.abs(one.head.from_frame - head.from_frame) > 2 * this.budget) {
        this.send({ kind: "drop", id });
        this.asked.delete(id);
      }
    }
    const id = ++this.last;
    this.asked.set(id, { head, first, last, isDone: false });
    this.send({
      kind: "run",
      id,
      from: head.from_frame,
      to: head.to_frame,
      codec: head.codec,
      description: head.description,
      width: head.coded_width,
      height: head.coded_height,
      frame: arrays.frame as Int32Array,
      timestamp: arrays.timestamp as Float64Array,
      key: arrays.key as Uint8Array,
      start: arrays.start as Uint32Array,
      size: arrays.size as Uint32Array,
      data: arrays.data as Uint8Array,
      first,
      last,
    });
  }

  close(): void {
    this.isClosed = true;
    this.worker.terminate();
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private fetch(frame: number): Promise<Blocks<PacketsHead>> {
    const known = this.headOf(frame);
    const kept = known && this.runs.get(known.from_frame);
    if (kept) return kept;
    const near = this.fetching.get(frame);
    if (near) return near;
    const asked = getBlocks<PacketsHead>(
      `/api/videos/${part(this.video.name)}/packets?${query({ frame, v: this.video.fingerprint })}`,
    ).then((blocks) => {
      const { head } = blocks;
      if (!this.headOf(head.from_frame)) this.heads.push(head);
      this.runs.set(head.from_frame, asked);
      for (const old of [...this.runs.keys()].slice(0, -KEPT_RUNS)) this.forget(old);
      return blocks;
    });
    this.fetching.set(frame, asked);
    const settle = (): void => {
      this.fetching.delete(frame);
      if (!this.isClosed) this.events.fetched();
    };
    asked.then(settle, settle);
    return asked;
  }

  private forget(from: number): void {
    this.runs.delete(from);
    const place = this.heads.findIndex((head) => head.from_frame === from);
    if (place >= 0) this.heads.splice(place, 1);
  }

  private take(message: FromWorker): void {
    const own = this.asked.get(message.id);
    if (message.kind === "frame") {
      if (own && !this.isClosed) this.events.picture(message.frame, message.image);
      else message.image.close();
    } else if (own) {
      own.isDone = true;
      this.asked.delete(message.id);
      if (message.kind === "failed") {
        const { from_frame: from, to_frame: to } = own.head;
        this.bad.push({ from, to });
        this.events.failed(from, to, message.reason);
      }
    }
  }
}
