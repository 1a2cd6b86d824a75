// Made by `make schema` from poseflow.server.messages; do not edit.

/** What was taken for an animal here is none: in this frame, or along a path of frames. */
export interface AbsenceClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  where: Sighting;
  kind: "absence";
  path?: ([number, number, number])[];
}

/** A video that is to be done again after a failure; without a profile, as the last run was started. */
export interface AgainPost {
  video: string;
  profile?: string | null;
}

/** An animal is here, with all its points, that was not shown. */
export interface AnimalClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  where: Sighting;
  kind: "animal";
  points: Record<string, [number, number] | null>;
  name?: string | null;
  before?: Sighting | null;
}

/** What was said of the recording since. */
export interface ClaimsAnswer {
  cursor: string;
  claims: (NameClaim | ContinuationClaim | PointsClaim | AnimalClaim | AbsenceClaim | ReviewedClaim | Retraction)[];
  taken_back: (string)[];
  conflicts: (Conflict)[];
  faults: (string)[];
  changed: (string)[];
}

/** Somebody said something of a recording. */
export interface ClaimsEvent {
  type: "claims";
  recording: string;
  cursor: string;
  claims: (NameClaim | ContinuationClaim | PointsClaim | AnimalClaim | AbsenceClaim | ReviewedClaim | Retraction)[];
  taken_back: (string)[];
}

/** Claims that a person makes, with ids that the page gave them: sent twice, they count once. */
export interface ClaimsPost {
  since?: string | null;
  claims: (NameClaim | ContinuationClaim | PointsClaim | AnimalClaim | AbsenceClaim | ReviewedClaim | Retraction)[];
}

/** Candidate and release in use on the same test frames. */
export interface ComparisonFacts {
  candidate: number;
  incumbent: number;
  low: number;
  high: number;
  frames: number;
  blocks: number;
}

/** A claim that does not hold: a later one says otherwise, or no animal, or several, are where it was seen. */
export interface Conflict {
  kind: "superseded" | "orphan";
  claim: string;
  by: string;
  author: string;
  reason: string;
  video: string;
  frame: number;
}

/** The animal here is the one that was there in an earlier frame. */
export interface ContinuationClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  where: Sighting;
  kind: "continuation";
  before: Sighting;
}

/** A label file that is to be made: `page` for labels/page.slp. */
export interface CreatePost {
  name: string;
  skeleton: SkeletonFacts;
  tracks?: (string)[];
  author: string;
}

/** Columns of a training's history. */
export interface Curves {
  columns: Record<string, (number | null)[]>;
  best_epoch: number | null;
}

/** A decision about releases. */
export interface DecisionFacts {
  time: string;
  event: string;
  candidate: string;
  incumbent: string | null;
  current: string;
  reason: string;
  sentence: string;
  comparison: ComparisonFacts | null;
}

/** Nothing further to say. */
export interface Empty {
}

/** A person's wish that a training ends. */
export interface EndTrainingPost {
  author: string;
}

/** What keeps a video from being done, and the end of its log. */
export interface Failure {
  video: string;
  recording: string;
  rule: string;
  reason: string;
  log: string;
  lines: (string)[];
}

/** Why a request was refused. */
export interface Fault {
  error: string;
  message: string;
  detail?: unknown;
}

/** What a frame is to be. */
export interface FramePost {
  file: string;
  video: string;
  frame: number;
  author: string;
  revision?: string | null;
  animals: (LabelAnimal)[];
}

/** The first event of a stream. */
export interface HelloEvent {
  type: "hello";
  client: string;
  version: string;
  started: string;
}

/** A review item on the seek bar. */
export interface ItemMark {
  frame: number;
  id: string;
  kind: string;
  expected_errors: number;
}

/** A job in SLURM's queue. */
export interface Job {
  id: string;
  name: string;
  rule: string | null;
  of: string | null;
  state: string;
  reason: string;
  node: string | null;
  elapsed_s: number | null;
  left_s: number | null;
  partition: string;
  submitted: string | null;
}

/** SLURM's queue, as far as it is ours. */
export interface Jobs {
  slurm: boolean;
  jobs: (Job)[];
  fault: string | null;
}

/** An animal of a labeled frame; of each node a point or null, and whether it is in view. */
export interface LabelAnimal {
  points: ([number, number] | null)[];
  visible: (boolean)[];
  track?: string | null;
  predicted?: boolean;
  score?: number | null;
}

/** A label file of the project. */
export interface LabelFile {
  name: string;
  frames: number;
  animals: number;
  writable: boolean;
  reason: string | null;
  skeleton: SkeletonFacts | null;
  tracks: (string)[];
  revision: string | null;
}

/** All label files. */
export interface LabelFiles {
  files: (LabelFile)[];
  folder: string;
}

/** A frame of a label file as it is. */
export interface LabelFrame {
  file: string;
  video: string;
  frame: number;
  revision: string;
  animals: (LabelAnimal)[];
}

/** A frame in a label file. */
export interface LabeledFrame {
  video: string | null;
  source: string;
  frame: number;
  animals: number;
  by_person: number;
  state: "labeled" | "suggested" | "predicted";
}

/** The frames of a label file. */
export interface LabeledFrames {
  file: string;
  revision: string;
  skeleton: SkeletonFacts;
  tracks: (string)[];
  frames: (LabeledFrame)[];
}

/** Somebody saved a labeled frame. */
export interface LabelsEvent {
  type: "labels";
  file: string;
  video: string;
  frame: number;
  author: string;
  revision: string;
}

/** An animal, or a track that is not named. */
export interface Lane {
  kind: "name" | "track";
  name: string;
  index: number;
  track: number | null;
  runs: (Run)[];
}

/** The lanes of a video, in a range of frames. */
export interface Lanes {
  from_frame: number;
  to_frame: number;
  bins: number;
  lanes: (Lane)[];
  gaps: (Span)[];
  failed: (Span)[];
  edits: (Mark)[];
  items: (ItemMark)[];
  names: (string)[];
  more_tracks: number;
  tables: string | null;
}

/** Claims that hold, at a place of the seek bar. */
export interface Mark {
  frame: number;
  stop: number;
  kind: string;
  count: number;
  author: string;
  id: string;
}

/** A trained model, or one that is being trained. */
export interface Model {
  name: string;
  version: string;
  kind: string | null;
  state: "trained" | "training" | "stopped" | "failed";
  epochs: number | null;
  best_epoch: number | null;
  metrics: Record<string, number | null>;
  made: string | null;
  labels: number | null;
  pictures: (string)[];
}

/** In this frame the animal here is the one of this name; `track_3`: of this track's number. */
export interface NameClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  where: Sighting;
  kind: "name";
  name: string;
}

/** All about networks. */
export interface Networks {
  current: string | null;
  candidate: string | null;
  decisions: (DecisionFacts)[];
  releases: (ReleaseFacts)[];
  models: (Model)[];
  trainings: (Training)[];
}

/** A training began, went on or ended, or a release was put in use. */
export interface NetworksEvent {
  type: "networks";
}

/** What a run of packets is, for the decoder's configuration and the way from time stamps to frames. */
export interface PacketsHead {
  video: string;
  from_frame: number;
  to_frame: number;
  codec: string;
  description: string | null;
  coded_width: number;
  coded_height: number;
  width: number;
  height: number;
  rotation: number;
  next: number | null;
  previous: number | null;
}

/** What a run is to be of: a profile, and a target that the workflow knows. */
export interface PlanPost {
  profile: string;
  target?: string | null;
}

/** Jobs of one rule. */
export interface PlannedJobs {
  rule: string;
  count: number;
}

/** Nodes of the animal here are at these points, or not to be seen (null); of other nodes nothing is said. */
export interface PointsClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  where: Sighting;
  kind: "points";
  points: Record<string, [number, number] | null>;
}

/** What a window of poses is about. */
export interface PosesHead {
  video: string;
  from_frame: number;
  to_frame: number;
  nodes: (string)[];
  names: (string)[];
  cursor: string;
  applied: (string)[];
  tables: string | null;
  scale: number;
  failed: (number)[];
  reviewed: (number)[];
  added: (string)[];
  source: "tracks" | "predictions" | "none";
}

/** Where a person is. */
export interface Presence {
  client: string;
  author: string;
  recording?: string | null;
  video?: string | null;
  frame?: number | null;
}

/** Who is there. */
export interface PresenceEvent {
  type: "presence";
  people: (Presence)[];
}

/** All that a view of a recording begins with. */
export interface Recording {
  name: string;
  state: "done" | "running" | "waiting" | "failed" | "quarantined";
  reason: string | null;
  videos: (VideoFacts)[];
  names: (string)[];
  animals: number | null;
  skeleton: SkeletonFacts | null;
  release: string | null;
  pixels_per_mm: number | null;
  facts: Record<string, string>;
  problems: (string)[];
  tables: string | null;
}

/** All recordings, those first that need a person most. */
export interface RecordingList {
  recordings: (RecordingRow)[];
  complete: boolean;
  warnings: (string)[];
}

/** A recording in the list. */
export interface RecordingRow {
  name: string;
  videos: (string)[];
  state: "done" | "running" | "waiting" | "failed" | "quarantined";
  reason: string | null;
  frames: number | null;
  duration_s: number | null;
  start: string | null;
  animals_per_frame: number | null;
  expected_errors: number | null;
  open_items: number | null;
  items: number | null;
  edits: number | null;
  pending_edits: number | null;
  group: Record<string, string>;
}

/** The list of recordings has changed. */
export interface RecordingsEvent {
  type: "recordings";
}

/** Models that run together. */
export interface ReleaseFacts {
  id: string;
  models: (ReleasedModel)[];
  in_use: boolean;
  metrics: Record<string, number | null> | null;
  dataset: string | null;
  can_promote: boolean;
  can_roll_back: boolean;
}

/** The release that is to be put in use. */
export interface ReleasePost {
  release?: string | null;
}

/** A model of a release; without a version, one that was given. */
export interface ReleasedModel {
  name: string;
  version: string | null;
}

/** A frame that is to be no label any more. */
export interface RemovePost {
  file: string;
  video: string;
  frame: number;
  author: string;
  revision?: string | null;
}

/** Another claim is taken back; a retraction that is itself retracted takes nothing back. */
export interface Retraction {
  version?: 1;
  id: string;
  time: string;
  author: string;
  kind: "retraction";
  retracts: string;
}

/** The review items of a recording, the most damaging first. */
export interface Review {
  recording: string;
  made: string | null;
  items: (ReviewItem)[];
  expected_errors: number;
  total_expected_errors: number;
  cost_s: number;
}

/** A frame that a person should look at. */
export interface ReviewItem {
  id: string;
  rank: number;
  video: string;
  frame: number;
  time_s: number | null;
  kind: string;
  tracks: (number)[];
  identities: (string | null)[];
  confidence: number | null;
  frames_affected: number;
  expected_errors: number;
  note: string;
  claim: string | null;
  state: "open" | "answered";
  answered_by: string | null;
}

/** A person looked at this frame, and who is who there is right. */
export interface ReviewedClaim {
  version?: 1;
  id: string;
  time: string;
  author: string;
  kind: "reviewed";
  video: string;
  frame: number;
}

/** How much of a rule's work there is already. */
export interface RuleCount {
  rule: string;
  done: number;
  total: number;
}

/** A stretch of an animal's lane; several tracklets where they are too short to be told apart. */
export interface Run {
  start: number;
  stop: number;
  coverage: number;
  count: number;
  tracklet: number | null;
  track: number | null;
  score: number | null;
}

/** The run began, went on or ended. */
export interface RunEvent {
  type: "run";
  running: boolean;
  done: number;
  failed: number;
}

/** What a run would do. */
export interface RunPlan {
  command: (string)[];
  lines: (string)[];
  jobs: (PlannedJobs)[];
  fault: string | null;
}

/** How things stand. */
export interface RunState {
  running: boolean;
  ours: boolean;
  command: (string)[] | null;
  profile: string | null;
  began: string | null;
  ended: string | null;
  exit_code: number | null;
  tail: (string)[];
  done: number;
  at_work: number;
  waiting: number;
  failed: (Failure)[];
  seconds_left: number | null;
  sizes: Record<string, number>;
  day_bytes: number | null;
  rules: (RuleCount)[];
  trainings: (Training)[];
  warnings: (string)[];
  summary: string | null;
}

/** What a tab is told first. */
export interface Session {
  project: string;
  path: string;
  version: string;
  author: string;
  read_only: boolean;
  slurm: boolean;
  profiles: (string)[];
  views: (string)[];
  hostname: string;
  started: string;
}

/** An animal of a frame as a person saw it, among the other animals of that frame. */
export interface Sighting {
  video: string;
  frame: number;
  nodes: (string)[];
  animals?: (([number, number] | null)[])[];
  animal?: number | null;
  time_s?: number | null;
  content?: string | null;
  release?: string | null;
}

/** Nodes by name; edges and symmetries as pairs of places in `nodes`. */
export interface SkeletonFacts {
  nodes: (string)[];
  edges: ([number, number])[];
  symmetries: ([number, number])[];
}

/** The skeleton of a file that has no labels yet. */
export interface SkeletonPost {
  file: string;
  skeleton: SkeletonFacts;
}

/** Frames start to stop - 1. */
export interface Span {
  start: number;
  stop: number;
}

/** Animals that a network found in a frame. */
export interface StartingPoints {
  animals: (LabelAnimal)[];
  nodes: (string)[];
}

/** How frames are to be chosen, and how many in all. */
export interface SuggestPost {
  file: string;
  count: number;
  method?: "stride" | "random" | "diverse" | "uncertain" | "jump";
  videos?: (string)[] | null;
}

/** A frame that is worth labeling. */
export interface Suggestion {
  video: string;
  frame: number;
}

/** Frames that are worth labeling. */
export interface Suggestions {
  frames: (Suggestion)[];
  state: "none" | "working" | "done";
  done: number;
  fault: string | null;
}

/** Tables of a recording were made anew. */
export interface TablesEvent {
  type: "tables";
  recording: string;
  tables: string | null;
}

/** Where an animal is along its track: (frame, x, y) of its centroid, px. */
export interface TrackPath {
  tracklet: number | null;
  track: number;
  name: string | null;
  start: number;
  stop: number;
  rows: number;
  path: ([number, number, number])[];
}

/** A training that is not at its end. */
export interface Training {
  name: string;
  version: string;
  state: "running" | "waiting" | "stopped";
  job: string | null;
  epoch: number | null;
  epochs: number | null;
  best_epoch: number | null;
  loss: number | null;
  seconds_left: number | null;
  can_stop: boolean;
  stopping: boolean;
  log: (string)[];
}

/** Take back (or hold again) a person's last claims, or one claim of anybody. */
export interface UndoPost {
  author: string;
  since?: string | null;
  claim?: string | null;
}

/** A video of a recording. */
export interface VideoFacts {
  name: string;
  fingerprint: string;
  frames: number;
  width: number;
  height: number;
  channels: number;
  fps: number | null;
  variable_fps: boolean;
  duration_s: number | null;
  start: string | null;
  offset_s: number;
  offset_frames: number;
  state: "ok" | "quarantined" | "missing";
  reason: string | null;
  problems: (string)[];
  codec: string | null;
  packets: boolean;
  rotation: number;
  keyframes: number;
  poses: "tracked" | "predicted" | "none";
  file: string;
  failed_frames: number;
}

export type Claim = AbsenceClaim | AnimalClaim | ContinuationClaim | NameClaim | PointsClaim | Retraction | ReviewedClaim;

export type ServerEvent = ClaimsEvent | HelloEvent | LabelsEvent | NetworksEvent | PresenceEvent | RecordingsEvent | RunEvent | TablesEvent;
