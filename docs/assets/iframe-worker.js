// From a folder, browsers start no worker: the search's runs in a frame that is not seen.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html>";
      frame.onload = () => {
        const inside = frame.contentWindow;
        inside.postMessage = (data) => this.tell(this, data);
        const script = frame.contentDocument.createElement("script");
        script.src = new URL(url, location);
        script.onload = () => {
          this.inside = inside;
          this.waiting.forEach((data) => this.postMessage(data));
        };
        frame.contentDocument.head.append(script);
      };
      document.body.append(frame);
    }
    postMessage(data) {
      if (this.inside) this.tell(this.inside, data);
      else this.waiting.push(data);
    }
    tell(whom, data) {
      setTimeout(() => whom.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() {}
  };
  window.Worker = window.IFrameWorker;
}
