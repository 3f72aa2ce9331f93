// Notifications of this device: by the browser's push service where there is one, and over the open connection, which
// also works where the Internet does not.
import { type MatrixClient, type MatrixEvent, MatrixEventEvent, type Room, RoomEvent } from "matrix-js-sdk";
import { bodyOf, isMessage } from "../matrix/chats";
import { hashOf } from "../matrix/links";
import { subscribe, unsubscribe } from "../matrix/webPush";
import { m } from "../paraglide/messages";
import { getLocale } from "../paraglide/runtime";
import { type Alert, wordsOf } from "../tower/alert";
import { app } from "./app.svelte";

const WANTED_KEY = "bongsu.notices";
const TEXT_KEY = "bongsu.noticesText";
const KEPT_MAX = 500;

/** Of what came by push, what a page can look up. */
interface Told {
  room_id?: string;
  event_id?: string;
}

class Notices {
  wanted = $state(localStorage.getItem(WANTED_KEY) === "yes");
  /** Whether what was said is shown on the lock screen too. */
  withText = $state(localStorage.getItem(TEXT_KEY) !== "no");
  /** How many sites can wake this browser; null: not asked yet. */
  pushing = $state<number | null>(null);
  private client: MatrixClient | null = null;
  private told = new Set<string>();

  get possible(): boolean {
    return "Notification" in window;
  }

  /** False: the browser was told never to show any. */
  async setWanted(wanted: boolean): Promise<boolean> {
    const granted = !wanted || (await Notification.requestPermission()) === "granted";
    this.wanted = wanted && granted;
    localStorage.setItem(WANTED_KEY, this.wanted ? "yes" : "no");
    if (this.wanted) void this.push();
    else await this.stop();
    return granted;
  }

  /** Has the sites tell this browser even while it is closed. */
  private async push(): Promise<void> {
    if (!this.client) return;
    const wanted = { lang: getLocale(), names: this.withText, app: m.app_name(), device: m.device_web() };
    this.pushing = await subscribe(this.client, app.sites.known, wanted);
  }

  private async stop(): Promise<void> {
    this.pushing = null;
    await unsubscribe(this.client).catch(() => undefined);
  }

  /** The session is over: nobody is told of it on this device any more. */
  async end(): Promise<void> {
    this.client = null;
    await this.stop();
  }

  setWithText(withText: boolean): void {
    this.withText = withText;
    localStorage.setItem(TEXT_KEY, withText ? "yes" : "no");
    if (this.wanted) void this.push();
  }

  listen(client: MatrixClient): void {
    this.client = client;
    // Anew at each start: sites come, and push services forget.
    if (this.wanted) void this.push();
    navigator.serviceWorker?.addEventListener("message", ({ data, ports }: MessageEvent<{ told?: Told }>) => {
      if (data.told) ports[0]?.postMessage(this.better(client, data.told));
    });
    client.on(RoomEvent.Timeline, (event, room, toStart, _removed, data) => {
      if (room && !toStart && data.liveEvent) this.consider(client, room, event);
    });
    client.on(MatrixEventEvent.Decrypted, (event) => {
      const room = client.getRoom(event.getRoomId());
      if (room?.getLiveTimeline().getEvents().at(-1) === event) this.consider(client, room, event);
    });
  }

  /** What this page knows of what a push service told: more than the service does, when the event is here already. */
  private better(client: MatrixClient, { room_id: roomId = "", event_id: eventId = "" }: Told): { title: string; body: string } | null {
    const room = client.getRoom(roomId);
    const event = room?.findEventById(eventId);
    if (!room || !event || event.getType() === "m.room.encrypted") return null;
    return { title: room.name, body: this.said(event) };
  }

  private said(event: MatrixEvent): string {
    return (this.withText && bodyOf(event)?.slice(0, 200)) || m.notice_new();
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

  /** An alert while the page is hidden: shown whatever is said of chats, once for all devices' sake by its id. */
  async warn(alert: Alert): Promise<void> {
    if (!this.possible || Notification.permission !== "granted" || document.visibilityState === "visible") return;
    const words = wordsOf(alert, getLocale());
    const mark = alert.content.status === "Actual" ? "" : `[${alert.content.status === "Exercise" ? m.alert_exercise() : m.alert_test()}] `;
    const title = `${mark}${alert.source?.feed ?? alert.content.event}`;
    const options = { body: words.headline, tag: alert.id, icon: "/icon.svg", requireInteraction: true };
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
  }

  private async show(room: Room, event: MatrixEvent): Promise<void> {
    const options = { body: this.said(event), tag: room.roomId, icon: "/icon.svg" };
    const worker = await navigator.serviceWorker?.getRegistration();
    const data = { address: hashOf({ screen: "room", roomId: room.roomId }) };
    // Phones show notifications only through a worker.
    if (worker) await worker.showNotification(room.name, { ...options, data });
    else new Notification(room.name, options);
  }
}

export const notices = new Notices();
