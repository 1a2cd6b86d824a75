// Stills of frames by their numbers: the authority. At most two are on their way; while one scrubs, the last wish counts.

import type { VideoFacts } from "../../types";
import { ServerFault, stillUrl, Unreachable } from "../api";

export type Size = "full" | "half";

export interface StillsEvents {
  picture: (frame: number, size: Size, image: ImageBitmap) => void;
  failed: (frame: number, reason: string, isForGood: boolean) => void;
}

interface Wish {
  frame: number;
  size: Size;
}

export class StillSource {
  private wishes: Wish[] = [];
  private readonly running = new Map<string, AbortController>();

  constructor(
    private readonly video: VideoFacts,
    private readonly events: StillsEvents,
  ) {}

  /** Asks for stills instead of all that were asked for before; those first come first. */
  ask(wishes: Wish[]): void {
    this.wishes = wishes;
    const wanted = new Set(wishes.map(keyOf));
    for (const [key, abort] of this.running) if (!wanted.has(key)) abort.abort();
    this.next();
  }

  close(): void {
    this.ask([]);
  }

  private next(): void {
    while (this.running.size < 2) {
      const wish = this.wishes.find((one) => !this.running.has(keyOf(one)));
      if (!wish) return;
      this.wishes = this.wishes.filter((one) => one !== wish);
      void this.load(wish);
    }
  }

  private async load(wish: Wish): Promise<void> {
    const abort = new AbortController();
    this.running.set(keyOf(wish), abort);
    try {
      const url = stillUrl(this.video.name, wish.frame, wish.size, this.video.fingerprint);
      let response: Response;
      try {
        response = await fetch(url, { signal: abort.signal });
      } catch (error) {
        if (abort.signal.aborted) return;
        throw new Unreachable(error instanceof Error ? error.message : String(error));
      }
      if (!response.ok) {
        const fault = (await response.json().catch(() => ({}))) as { error?: string; message?: string };
        throw new ServerFault(
          response.status,
          fault.error ?? "",
          fault.message ?? `the server answers ${response.status}`,
          null,
          1,
        );
      }
      const said = response.headers.get("Frame-Index");
      if (said !== null && Number(said) !== wish.frame)
        throw new ServerFault(500, "failed", `frame ${said} came for ${wish.frame}`, null, 1);
      const image = await createImageBitmap(await response.blob());
      if (abort.signal.aborted) image.close();
      else this.events.picture(wish.frame, wish.size, image);
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error instanceof ServerFault) this.events.failed(wish.frame, error.message, error.status !== 503);
      else if (error instanceof Unreachable || error instanceof DOMException)
        this.events.failed(wish.frame, error.message, false);
      else throw error;
    } finally {
      this.running.delete(keyOf(wish));
      this.next();
    }
  }
}

function keyOf({ frame, size }: Wish): string {
  return `${size} ${frame}`;
}
