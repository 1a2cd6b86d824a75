import { render } from "preact";
import { ServerFault } from "./api";
import { openClaims, wakeClaims } from "./data/claims";
import { connection, hear, openSession } from "./data/session";
import { start } from "./router";
import { App } from "./views/app";
import { listenToKeys } from "./views/commands";

const root = document.getElementById("page")!;

async function open(): Promise<void> {
  try {
    await openSession();
  } catch (error) {
    if (error instanceof ServerFault && error.status === 401) connection.value = "signed-out";
    const text = error instanceof Error ? error.message : String(error);
    const note = document.createElement("p");
    note.className = "boot";
    note.textContent = `poseflow: ${text}`;
    root.replaceChildren(note);
    if (!(error instanceof ServerFault)) setTimeout(() => void open(), 2000);
    return;
  }
  await openClaims();
  hear(wakeClaims);
  root.replaceChildren();
  render(<App />, root);
}

start();
listenToKeys();
void open();
