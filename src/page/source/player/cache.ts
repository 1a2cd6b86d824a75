// Pictures of frames that are kept, within a limit of memory: those that are farthest from where one is go first.

export interface Picture {
  frame: number;
  /** Of a still, of half a still, or decoded from packets. */
  from: "full" | "half" | "packets";
  image: ImageBitmap | VideoFrame;
  bytes: number;
}

export class PictureCache {
  private readonly pictures = new Map<number, Picture>();
  private bytes = 0;
  /** That is on the screen until the next one is: it is not closed, even where it is kept no more. */
  private held: Picture | null = null;

  constructor(readonly limit: number) {}

  get(frame: number): Picture | null {
    return this.pictures.get(frame) ?? null;
  }

  hold(picture: Picture): void {
    const { held } = this;
    this.held = picture;
    if (held && held !== picture && this.pictures.get(held.frame) !== held) held.image.close();
  }

  get size(): number {
    return this.pictures.size;
  }

  /** Keeps a picture instead of another of the frame; `here` is the frame that is shown. */
  put(picture: Picture, here: number): void {
    this.drop(picture.frame);
    this.pictures.set(picture.frame, picture);
    this.bytes += picture.bytes;
    while (this.bytes > this.limit && this.pictures.size > 1) {
      let farthest = here;
      for (const frame of this.pictures.keys()) if (cost(frame, here) > cost(farthest, here)) farthest = frame;
      if (farthest === here) break;
      this.drop(farthest);
    }
  }

  drop(frame: number): void {
    const own = this.pictures.get(frame);
    if (!own) return;
    if (own !== this.held) own.image.close();
    this.bytes -= own.bytes;
    this.pictures.delete(frame);
  }

  clear(): void {
    for (const frame of [...this.pictures.keys()]) this.drop(frame);
    this.held?.image.close();
    this.held = null;
  }
}

/** Frames behind are needed less than those ahead. */
function cost(frame: number, here: number): number {
  return frame < here ? 2 * (here - frame) : frame - here;
}
