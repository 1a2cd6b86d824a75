// Zoom and pan: where a point of the image is on the screen.

import type { Box } from "./poses";

/** screen = image · scale + (x, y), in CSS pixels. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The whole image, in the middle. The centre of the top-left pixel is (0, 0): the image begins half a pixel before. */
export function fit(image: Size, screen: Size, margin = 12): View {
  return fitBox({ left: -0.5, top: -0.5, right: image.width - 0.5, bottom: image.height - 0.5 }, screen, margin);
}

/** A box of the image, in the middle, at most `most` screen pixels a pixel. */
export function fitBox(box: Box, screen: Size, margin = 12, most = Infinity): View {
  const width = Math.max(box.right - box.left, 1);
  const height = Math.max(box.bottom - box.top, 1);
  const scale = Math.min(
    Math.max(screen.width - 2 * margin, 1) / width,
    Math.max(screen.height - 2 * margin, 1) / height,
    most,
  );
  return {
    scale,
    x: screen.width / 2 - (scale * (box.left + box.right)) / 2,
    y: screen.height / 2 - (scale * (box.top + box.bottom)) / 2,
  };
}

/** Animals of a review item with room around them, not closer than is of use. */
export function fitAnimals(box: Box, image: Size, screen: Size): View {
  const side = Math.max(box.right - box.left, box.bottom - box.top, 40) * 0.75;
  const wide = { left: box.left - side, top: box.top - side, right: box.right + side, bottom: box.bottom + side };
  const all = fit(image, screen);
  const near = fitBox(wide, screen, 0, 6);
  return near.scale < all.scale ? all : near;
}

export function zoomAt(view: View, factor: number, x: number, y: number): View {
  const scale = Math.min(Math.max(view.scale * factor, 0.02), 64);
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

export function toScreen(view: View, x: number, y: number): [number, number] {
  return [x * view.scale + view.x, y * view.scale + view.y];
}

export function toImage(view: View, x: number, y: number): [number, number] {
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

/** Keeps some of the image on the screen. */
export function keepInSight(view: View, image: Size, screen: Size): View {
  const room = 40;
  const right = image.width * view.scale;
  const bottom = image.height * view.scale;
  return {
    scale: view.scale,
    x: Math.min(Math.max(view.x, room - right), screen.width - room),
    y: Math.min(Math.max(view.y, room - bottom), screen.height - room),
  };
}
