// Opens the chat with oneself, from the list and from the welcome beside it.
import { openAlone } from "../matrix/direct";
import { m } from "../paraglide/messages";
import { app, explain } from "./app.svelte";
import { live } from "./live.svelte";

/** @returns what went wrong, in the person's words; "": nothing */
export async function writeMyself(): Promise<string> {
  try {
    app.go({ screen: "room", roomId: await openAlone(live.client, m.to_myself()) });
    return "";
  } catch (error) {
    return explain(error);
  }
}
