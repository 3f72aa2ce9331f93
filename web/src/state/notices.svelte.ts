// Notifications of this device while the page is open somewhere: the open connection tells it what came.
import { type MatrixClient, type MatrixEvent, MatrixEventEvent, type Room, RoomEvent } from "matrix-js-sdk";
import { isMessage } from "../matrix/chats";
import { hashOf } from "../matrix/links";
import { m } from "../paraglide/messages";

const WANTED_KEY = "bongsu.notices";
const TEXT_KEY = "bongsu.noticesText";
const KEPT_MAX = 500;

class Notices {
  wanted = $state(localStorage.getItem(WANTED_KEY) === "yes");
  /** Whether what was said is shown on the lock screen too. */
  withText = $state(localStorage.getItem(TEXT_KEY) !== "no");
  private told = new Set<string>();

  get possible(): boolean {
    return "Notification" in window;
  }

  /** False: the browser was told never to show any. */
  async setWanted(wanted: boolean): Promise<boolean> {
    const granted = !wanted || (await Notification.requestPermission()) === "granted";
    this.wanted = wanted && granted;
    localStorage.setItem(WANTED_KEY, this.wanted ? "yes" : "no");
    return granted;
  }

  setWithText(withText: boolean): void {
    this.withText = withText;
    localStorage.setItem(TEXT_KEY, withText ? "yes" : "no");
  }

  listen(client: MatrixClient): void {
    client.on(RoomEvent.Timeline, (event, room, toStart, _removed, data) => {
      if (room && !toStart && data.liveEvent) this.consider(client, room, event);
    });
    client.on(MatrixEventEvent.Decrypted, (event) => {
      const room = client.getRoom(event.getRoomId());
      if (room?.getLiveTimeline().getEvents().at(-1) === event) this.consider(client, room, event);
    });
  }

  private consider(client: MatrixClient, room: Room, event: MatrixEvent): void {
    const id = event.getId() ?? "";
    const mine = event.getSender() === client.getUserId();
    if (!this.wanted || mine || this.told.has(id) || document.visibilityState === "visible" || !isMessage(event)) return;
    if (event.getType() === "m.room.encrypted" || room.getEventReadUpTo(client.getSafeUserId()) === id) return;
    if (!client.getPushActionsForEvent(event)?.notify) return;
    if (this.told.size >= KEPT_MAX) this.told.clear();
    this.told.add(id);
    void this.show(room, event);
  }

  private async show(room: Room, event: MatrixEvent): Promise<void> {
    const said = String(event.getContent()["body"] ?? "").slice(0, 200);
    const options = { body: this.withText ? said : m.notice_new(), tag: room.roomId, icon: "/icon.svg" };
    const worker = await navigator.serviceWorker?.getRegistration();
    const data = { address: hashOf({ screen: "room", roomId: room.roomId }) };
    // Phones show notifications only through a worker.
    if (worker) await worker.showNotification(room.name, { ...options, data });
    else new Notification(room.name, options);
  }
}

export const notices = new Notices();
