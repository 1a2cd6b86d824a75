// Colors of labeled animals.

import { lookOfPlace, UNNAMED } from "../../core/palette";
import type { Labeling } from "../../label/model";

export function colorOf(model: Labeling, track: string | null | undefined, at: number): ReturnType<typeof lookOfPlace> {
  const tracks = model.tracks.value;
  if (track) return lookOfPlace(Math.max(tracks.indexOf(track), 0));
  return tracks.length ? { color: UNNAMED, dashed: false, letter: "" } : lookOfPlace(at);
}
