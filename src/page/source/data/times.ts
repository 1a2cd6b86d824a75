// Times of frames of a recording whose rate varies; of all others they are frame / rate.

import { signal } from "@preact/signals";
import type { VideoFacts } from "../../types";
import { getBlocks, part, query } from "../api";

const WINDOW_FRAMES = 2000;
const KEPT = 20;

export class Times {
  /** Raised when times came. */
  readonly changed = signal(0);
  private readonly windows = new Map<number, Float64Array | null>();

  constructor(
    private readonly recording: string,
    private readonly video: VideoFacts,
  ) {}

  /** Seconds since the recording's beginning; by the mean rate while the time is on its way. */
  at(frame: number): number {
    void this.changed.value;
    const place = Math.floor(frame / WINDOW_FRAMES);
    const known = this.windows.get(place)?.[frame - place * WINDOW_FRAMES];
    return known === undefined || Number.isNaN(known) ? frame / (this.video.fps || 25) : known;
  }

  want(frame: number): void {
    const place = Math.floor(frame / WINDOW_FRAMES);
    if (!this.video.variable_fps || this.windows.has(place)) return;
    this.windows.set(place, null);
    for (const old of [...this.windows.keys()].slice(0, -KEPT)) this.windows.delete(old);
    const from = place * WINDOW_FRAMES;
    const to = Math.min(from + WINDOW_FRAMES, this.video.frames);
    getBlocks<unknown>(
      `/api/recordings/${part(this.recording)}/videos/${part(this.video.name)}/times?${query({ from, to })}`,
    ).then(
      ({ arrays }) => {
        this.windows.set(place, arrays.time_s as Float64Array);
        this.changed.value++;
      },
      () => this.windows.delete(place),
    );
  }
}
