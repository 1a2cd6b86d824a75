// Keys: which command each means. Letters are read by what they are, digits by where they are, so that other keyboards
// find them too. Keys that a browser never hands to a page (Ctrl+T, N, W, Tab) are not used, nor those of its zoom.

export interface Stroke {
  key: string;
  code: string;
  ctrl: boolean;
  shift: boolean;
  alt: boolean;
}

export type Command =
  | "step"
  | "jump10"
  | "jump100"
  | "stepBack"
  | "jump10Back"
  | "jump100Back"
  | "play"
  | "slower"
  | "faster"
  | "nextItem"
  | "previousItem"
  | "nextLabeled"
  | "previousLabeled"
  | "nextTrackBegin"
  | "goTo"
  | "rangeBegin"
  | "rangeEnd"
  | "rangeForward"
  | "rangeBack"
  | "noRange"
  | "select"
  | "selectNext"
  | "undo"
  | "redo"
  | "addAnimal"
  | "placeNodes"
  | "occlude"
  | "accept"
  | "acceptAll"
  | "remove"
  | "removeTracklet"
  | "swap"
  | "name"
  | "newTrack"
  | "cut"
  | "join"
  | "toggleNames"
  | "toggleEdges"
  | "toggleAnimals"
  | "toggleTrails"
  | "fit"
  | "reset"
  | "scope"
  | "help"
  | "palette"
  | "escape"
  | "first"
  | "last"
  | "copyBefore"
  | "save"
  | "nudge";

export interface Binding {
  command: Command;
  /** As it is printed on buttons. */
  label: string;
  what: string;
  group: "Frames" | "Queue" | "Animals" | "Nodes" | "View" | "Page";
  match: (stroke: Stroke) => boolean;
}

const plain =
  (key: string): ((s: Stroke) => boolean) =>
  (s) =>
    s.key === key && !s.ctrl && !s.alt && !s.shift;
const letter =
  (key: string): ((s: Stroke) => boolean) =>
  (s) =>
    s.key.toLowerCase() === key && !s.ctrl && !s.alt && !s.shift;
const ctrl =
  (key: string, shift = false): ((s: Stroke) => boolean) =>
  (s) =>
    s.key.toLowerCase() === key.toLowerCase() && s.ctrl && !s.alt && s.shift === shift;
const shifted =
  (key: string): ((s: Stroke) => boolean) =>
  (s) =>
    s.key === key && s.shift && !s.ctrl && !s.alt;
const any =
  (...ways: ((s: Stroke) => boolean)[]): ((s: Stroke) => boolean) =>
  (s) =>
    ways.some((way) => way(s));
const typed =
  (key: string): ((s: Stroke) => boolean) =>
  (s) =>
    s.key === key && !s.ctrl;

/** Digit 1–9 of a stroke, wherever the keyboard has it. */
export function digitOf(stroke: Stroke): number | null {
  const found = /^(?:Digit|Numpad)([1-9])$/.exec(stroke.code);
  return found ? Number(found[1]) : null;
}

const isZero = (stroke: Stroke): boolean => /^(?:Digit|Numpad)0$/.test(stroke.code);

export const BINDINGS: readonly Binding[] = [
  { command: "step", label: "→", what: "next frame", group: "Frames", match: plain("ArrowRight") },
  { command: "stepBack", label: "←", what: "frame before", group: "Frames", match: plain("ArrowLeft") },
  { command: "jump10", label: "Ctrl+→", what: "10 frames on", group: "Frames", match: ctrl("ArrowRight") },
  { command: "jump10Back", label: "Ctrl+←", what: "10 frames back", group: "Frames", match: ctrl("ArrowLeft") },
  { command: "jump100", label: "PgDn", what: "100 frames on", group: "Frames", match: plain("PageDown") },
  { command: "jump100Back", label: "PgUp", what: "100 frames back", group: "Frames", match: plain("PageUp") },
  { command: "first", label: "Home", what: "first frame", group: "Frames", match: plain("Home") },
  { command: "last", label: "End", what: "last frame", group: "Frames", match: plain("End") },
  { command: "play", label: "K", what: "play, stop", group: "Frames", match: letter("k") },
  { command: "slower", label: "J", what: "half as fast", group: "Frames", match: letter("j") },
  { command: "faster", label: "L", what: "twice as fast", group: "Frames", match: letter("l") },
  { command: "goTo", label: "Ctrl+J", what: "go to a frame or time", group: "Frames", match: ctrl("j") },
  { command: "rangeBegin", label: "[", what: "range begins here", group: "Frames", match: typed("[") },
  { command: "rangeEnd", label: "]", what: "range ends here", group: "Frames", match: typed("]") },
  {
    command: "rangeForward",
    label: "Shift+→",
    what: "range one frame on",
    group: "Frames",
    match: shifted("ArrowRight"),
  },
  {
    command: "rangeBack",
    label: "Shift+←",
    what: "range one frame back",
    group: "Frames",
    match: shifted("ArrowLeft"),
  },
  { command: "nextItem", label: "Space", what: "next of the queue", group: "Queue", match: plain(" ") },
  { command: "previousItem", label: "Shift+Space", what: "the one before", group: "Queue", match: shifted(" ") },
  { command: "accept", label: "Enter", what: "right as it is", group: "Queue", match: plain("Enter") },
  {
    command: "acceptAll",
    label: "Shift+Enter",
    what: "all animals are right",
    group: "Queue",
    match: shifted("Enter"),
  },
  {
    command: "nextLabeled",
    label: "Alt+→",
    what: "next labeled or edited frame",
    group: "Queue",
    match: (s) => s.key === "ArrowRight" && s.alt && !s.ctrl,
  },
  {
    command: "previousLabeled",
    label: "Alt+←",
    what: "labeled or edited frame before",
    group: "Queue",
    match: (s) => s.key === "ArrowLeft" && s.alt && !s.ctrl,
  },
  { command: "nextTrackBegin", label: "Ctrl+E", what: "where the next track begins", group: "Queue", match: ctrl("e") },
  {
    command: "select",
    label: "1–9",
    what: "select animal",
    group: "Animals",
    match: (s) => digitOf(s) !== null && !s.ctrl && !s.alt,
  },
  {
    command: "selectNext",
    label: "W",
    what: "next animal",
    group: "Animals",
    match: any(letter("w"), (s) => s.code === "Backquote" && !s.ctrl),
  },
  { command: "swap", label: "X", what: "swap two animals from here", group: "Animals", match: letter("x") },
  {
    command: "name",
    label: "Ctrl+1–9",
    what: "name, or track, of the animal",
    group: "Animals",
    match: (s) => digitOf(s) !== null && s.ctrl && !s.alt,
  },
  {
    command: "newTrack",
    label: "0",
    what: "begins a new track here",
    group: "Animals",
    match: (s) => isZero(s) && !s.ctrl && !s.alt,
  },
  { command: "addAnimal", label: "Ctrl+I", what: "add animal", group: "Animals", match: ctrl("i") },
  {
    command: "remove",
    label: "Del",
    what: "no animal: this frame, or the range",
    group: "Animals",
    match: any(plain("Delete"), ctrl("Backspace")),
  },
  {
    command: "removeTracklet",
    label: "Shift+Del",
    what: "no animal: the whole tracklet",
    group: "Animals",
    match: any(shifted("Delete"), ctrl("Backspace", true)),
  },
  {
    command: "cut",
    label: "Alt+M",
    what: "another animal from here on",
    group: "Animals",
    match: (s) => s.key.toLowerCase() === "m" && s.alt,
  },
  { command: "join", label: "M", what: "continues the track that ended before", group: "Animals", match: letter("m") },
  {
    command: "scope",
    label: "S",
    what: "frames of the last edit: frame, tracklet, range, to the end",
    group: "Animals",
    match: letter("s"),
  },
  { command: "undo", label: "Ctrl+Z", what: "take back", group: "Page", match: ctrl("z") },
  { command: "redo", label: "Ctrl+Shift+Z", what: "do again", group: "Page", match: any(ctrl("z", true), ctrl("y")) },
  { command: "placeNodes", label: "N", what: "new animal, its nodes by clicks", group: "Nodes", match: letter("n") },
  { command: "occlude", label: "Q", what: "node hidden, or not", group: "Nodes", match: letter("q") },
  {
    command: "copyBefore",
    label: "C",
    what: "animals of the labeled frame before",
    group: "Nodes",
    match: letter("c"),
  },
  { command: "toggleNames", label: "T", what: "names", group: "View", match: letter("t") },
  { command: "toggleEdges", label: "E", what: "edges", group: "View", match: letter("e") },
  { command: "toggleAnimals", label: "H", what: "animals", group: "View", match: letter("h") },
  { command: "toggleTrails", label: "G", what: "trails", group: "View", match: letter("g") },
  { command: "fit", label: "F", what: "zoom to the animals", group: "View", match: letter("f") },
  { command: "reset", label: "R", what: "whole frame", group: "View", match: letter("r") },
  { command: "help", label: "?", what: "all keys", group: "Page", match: typed("?") },
  { command: "palette", label: "Ctrl+P", what: "find a command", group: "Page", match: ctrl("p") },
  { command: "escape", label: "Esc", what: "leave, select nothing", group: "Page", match: plain("Escape") },
  { command: "save", label: "Ctrl+S", what: "(all is saved at once)", group: "Page", match: ctrl("s") },
];

export function labelOf(command: Command): string {
  return BINDINGS.find((one) => one.command === command)?.label ?? "";
}

export function commandOf(stroke: Stroke): Command | null {
  return BINDINGS.find((one) => one.match(stroke))?.command ?? null;
}

export function strokeOf(event: KeyboardEvent): Stroke {
  return {
    key: event.key,
    code: event.code,
    ctrl: event.ctrlKey || event.metaKey,
    shift: event.shiftKey,
    alt: event.altKey,
  };
}

/** Whether a person is writing into a field, whose keys are its own. */
export function isWriting(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.tagName) return false;
  if (element.isContentEditable) return true;
  if (element.tagName === "INPUT")
    return !["checkbox", "radio", "range", "button"].includes((element as HTMLInputElement).type);
  return element.tagName === "TEXTAREA" || element.tagName === "SELECT";
}

/** Of a command that no key gave. */
export const NO_STROKE: Stroke = { key: "", code: "", ctrl: false, shift: false, alt: false };
