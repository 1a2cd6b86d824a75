// Decodes runs of packets, one after the other. A frame is what its time stamp says, never what its turn is.

import type { FromWorker, RunMessage, ToWorker } from "./messages";

const MICROSECONDS = 1000;
/** So many packets may wait in the decoder. */
const QUEUE = 24;

const post = (message: FromWorker, transfer: Transferable[] = []): void =>
  (self as unknown as DedicatedWorkerGlobalScope).postMessage(message, transfer);

let waiting: RunMessage[] = [];
let dropped = new Set<number>();
let isBusy = false;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "drop") {
    dropped.add(data.id);
    waiting = waiting.filter((run) => run.id !== data.id);
  } else {
    waiting.push(data);
    void work();
  }
};

async function work(): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  for (let run = waiting.shift(); run; run = waiting.shift()) {
    try {
      const shown = await decode(run);
      post({ kind: "done", id: run.id, shown });
    } catch (error) {
      post({ kind: "failed", id: run.id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  dropped = new Set();
  isBusy = false;
}

async function decode(run: RunMessage): Promise<number> {
  if (typeof VideoDecoder === "undefined") throw new Error("the browser has no WebCodecs");
  const config: VideoDecoderConfig = {
    codec: run.codec,
    codedWidth: run.width,
    codedHeight: run.height,
    // By the processor: the same pixels on each machine, and frames that are kept do not stall the decoder.
    hardwareAcceleration: "prefer-software",
    optimizeForLatency: true,
  };
  if (run.description) config.description = Uint8Array.from(atob(run.description), (letter) => letter.charCodeAt(0));
  if (!(await VideoDecoder.isConfigSupported(config)).supported)
    throw new Error(`the browser does not decode ${run.codec}`);

  const expected = new Set<number>();
  for (const frame of run.frame) if (frame >= run.from && frame < run.to) expected.add(frame);
  const seen = new Set<number>();
  let shown = 0;
  let fault: Error | null = null;
  const decoder = new VideoDecoder({
    output: (image) => {
      const frame = image.timestamp / MICROSECONDS;
      if (image.timestamp < 0 || (Number.isInteger(frame) && !expected.has(frame))) image.close();
      else if (!Number.isInteger(frame) || seen.has(frame)) {
        fault = new Error(`a frame with the unknown time stamp ${image.timestamp}`);
        image.close();
      } else {
        seen.add(frame);
        if (frame < run.first || frame > run.last || dropped.has(run.id)) image.close();
        else {
          shown++;
          post({ kind: "frame", id: run.id, frame, image }, [image]);
        }
      }
    },
    error: (error) => {
      fault = error;
    },
  });
  decoder.configure(config);
  try {
    for (let at = 0; at < run.frame.length && !fault && !dropped.has(run.id); at++) {
      const begin = run.start[at]!;
      decoder.decode(
        new EncodedVideoChunk({
          type: run.key[at] ? "key" : "delta",
          timestamp: run.timestamp[at]!,
          data: run.data.subarray(begin, begin + run.size[at]!),
        }),
      );
      if (decoder.decodeQueueSize > QUEUE) await dequeued(decoder);
    }
    if (!fault && !dropped.has(run.id)) await decoder.flush();
    if (fault) throw fault;
    if (!dropped.has(run.id) && seen.size !== expected.size)
      throw new Error(`${expected.size} frames were to come, and ${seen.size} came`);
  } finally {
    if (decoder.state !== "closed") decoder.close();
  }
  return shown;
}

function dequeued(decoder: VideoDecoder): Promise<void> {
  return new Promise((go) => {
    decoder.addEventListener("dequeue", () => go(), { once: true });
    setTimeout(go, 50); // a decoder that stopped says nothing
  });
}
