// Which frames the lanes show, from days to single frames.

export interface SpanView {
  /** First frame, which may lie between two, and how many. */
  from: number;
  frames: number;
}

const LEAST = 20;

export function whole(total: number): SpanView {
  return { from: 0, frames: Math.max(total, LEAST) };
}

/** Zooms about a frame that stays where it is; `factor` below 1 shows less. */
export function zoom(view: SpanView, factor: number, about: number, total: number): SpanView {
  const frames = Math.min(Math.max(view.frames * factor, LEAST), Math.max(total, LEAST));
  const part = (about - view.from) / view.frames;
  return within({ from: about - part * frames, frames }, total);
}

export function within(view: SpanView, total: number): SpanView {
  return { frames: view.frames, from: Math.min(Math.max(view.from, 0), Math.max(total - view.frames, 0)) };
}

/** Moved as little as is needed to show a frame, with some room where it would leave. */
export function follow(view: SpanView, frame: number, total: number): SpanView {
  const room = view.frames * 0.05;
  if (frame >= view.from + room && frame < view.from + view.frames - room) return view;
  if (frame >= view.from && frame < view.from + view.frames && (view.from <= 0 || view.from + view.frames >= total))
    return view;
  return within({ from: frame - view.frames / 2, frames: view.frames }, total);
}

/** Marks of a time axis: seconds apart, so that about `most` stand in the view. */
export function tickStep(seconds: number, most: number): number {
  const steps = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    86400, 172800, 604800,
  ];
  return steps.find((step) => seconds / step <= most) ?? 604800;
}
