// The control tower's page: whether it opens for this person, the picture while it is open, and the officer's key.
import { m } from "../paraglide/messages";
import { type Alert, type AlertContent } from "../tower/alert";
import { get, post, put, refusal } from "../tower/api";
import { alertMessage, briefMessage, payload } from "../tower/brief";
import { keepMap, mapOf, type OperatorsMap, placeOf, type Point } from "../tower/map";
import { mine, type OfficerKey, signed } from "../tower/officerKey";
import { type Incident, type Picture, shared, type TowerKey } from "../tower/picture";
import type { CallContent } from "../tower/safety";
import { base64, type Json } from "../tower/statement";
import { app, explain } from "./app.svelte";
import { live } from "./live.svelte";
import { warnings } from "./warnings.svelte";

export type Gate = "starting" | "open" | "stranger" | "enrol" | "code" | "away";

export interface Preview {
  id: string;
  sign: string;
  warnings: { errcode: string; error: string }[];
  brief?: { sign: string; headline: string; bytes: number };
  cell_broadcast: Record<string, string>;
  reach: { people: number; areas: Record<string, number> };
}

const WAIT_MS = 25_000;
// Of a busy service there would be a new picture many times a second; and on a slow phone taking one in and drawing
// it may have a tenth of its time, so that a finger that scrolls never waits.
const REST_MS = 1_500;
const REST_FACTOR = 9;
const AGAIN_MS = 3_000;

const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));

class Tower {
  gate = $state<Gate>("starting");
  picture = $state.raw<Picture | null>(null);
  keys = $state.raw<TowerKey[]>([]);
  /** The key in this browser; null: none. */
  key = $state.raw<OfficerKey | null>(null);
  map = $state.raw<OperatorsMap | null>(null);
  failure = $state("");
  /** Who wants to be told of the next tap on the map. */
  pointing = $state.raw<((place: Point) => void) | null>(null);
  private open: AbortController | null = null;

  /** The statements about the key in this browser that are in force. */
  readonly rights = $derived(this.keys.filter(({ id, ended, expires }) => id === this.key?.id && ended === null && expires > Date.now()));
  readonly commands = $derived(this.rights.some(({ role }) => role !== "agency"));

  get userId(): string {
    return app.session?.userId ?? "";
  }

  /** Keeps the picture fresh until what it returns is called. */
  begin(): () => void {
    const open = new AbortController();
    this.open?.abort();
    this.open = open;
    void this.watch(open.signal);
    void mine(this.userId).then((key) => (this.key = key));
    void mapOf(this.userId).then((map) => (this.map = map));
    return () => open.abort();
  }

  private async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.learnKeys();
        await this.look(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!this.refused(error)) await rest(AGAIN_MS);
        else return;
      }
    }
  }

  async learnKeys(): Promise<void> {
    this.keys = (await get<{ keys: TowerKey[] }>(live.client, "/tower/keys")).keys;
  }

  private async look(signal: AbortSignal): Promise<void> {
    const since: Record<string, string> = this.picture && this.gate === "open" ? { since: this.picture.version, timeout: String(WAIT_MS) } : {};
    const picture = await get<Picture>(live.client, "/tower/picture", since, signal);
    if (signal.aborted) return;
    const came = performance.now();
    this.picture = shared(this.picture, picture);
    this.gate = "open";
    await new Promise(requestAnimationFrame);
    await rest(Math.max(REST_MS, REST_FACTOR * (performance.now() - came)));
  }

  /** Why it does not open. False: for no reason but the network, so that it is tried again. */
  private refused(error: unknown): boolean {
    const why = refusal(error);
    if (why?.status === 403) this.gate = why.errcode === "KR_BONGSU_SECOND_FACTOR" ? (why.enrolled ? "code" : "enrol") : "stranger";
    else if (this.gate === "starting") this.gate = "away";
    return why?.status === 403;
  }

  async enrol(): Promise<{ secret: string; uri: string }> {
    return post(live.client, "/second_factor/enrol", {});
  }

  async giveCode(code: string): Promise<void> {
    await post(live.client, "/second_factor", { code: code.replace(/\s/g, "") });
    this.gate = "starting";
    this.begin();
  }

  /** The officer's key, or a sentence about why there is none to sign with. */
  private signer(): OfficerKey {
    if (!this.key) throw new Error(m.tower_no_key());
    return this.key;
  }

  async preview(content: AlertContent): Promise<Preview> {
    const preview = await post<Preview>(live.client, "/alerts/preview", { content });
    // A node that shows one thing and has another signed is found out here.
    if (preview.sign !== base64(alertMessage(content))) throw new Error(m.tower_not_the_same());
    return preview;
  }

  /** Signs an alert, one's own or a colleague's, and hands it in. */
  async send(content: AlertContent): Promise<{ id: string; state: string }> {
    const key = this.signer();
    const { brief } = await this.preview(content);
    const handed = await signed("alert", content, key);
    const found = await post<{ id: string; state: string }>(live.client, "/alerts", {
      ...handed,
      ...(brief ? { briefs: { [key.id]: await this.signBrief(content, brief, key) } } : {}),
    });
    void this.refresh();
    return found;
  }

  private async signBrief(content: AlertContent, brief: NonNullable<Preview["brief"]>, key: OfficerKey): Promise<string> {
    const message = briefMessage(await payload(content, brief.headline));
    if (base64(message) !== brief.sign) throw new Error(m.tower_not_the_same());
    return key.sign(message);
  }

  async call(content: CallContent): Promise<void> {
    await post(live.client, "/safety_calls", await signed("safety-call", content as Json & CallContent, this.signer()));
    void this.refresh();
  }

  async openIncident(content: { [name: string]: Json | undefined }, areas: string[]): Promise<string> {
    return this.act({ act: "open", areas, content });
  }

  /** An act that names all that this browser knows of the incident. */
  async actOn(incident: Incident, act: string, content: { [name: string]: Json | undefined }): Promise<string> {
    return this.act({ act, incident: incident.id, after: incident.heads, content });
  }

  private async act(said: { [name: string]: Json }): Promise<string> {
    const key = this.signer();
    const content = { ...said, sender: key.id, sent: now(), user_id: this.userId };
    const { incident } = await post<{ incident: string }>(live.client, "/incidents/acts", await signed("incident-act", content, key));
    await this.refresh();
    return incident;
  }

  /** Where sites stand, as [longitude, latitude]: as the service knows it, else as this browser's map has it. */
  readonly places = $derived(
    Object.fromEntries(
      (this.picture?.sites ?? []).flatMap(({ site, place, revoked }) => {
        const found: Point | null = place ? [place[1], place[0]] : placeOf(site, this.map);
        return found && !revoked ? [[site, found] as const] : [];
      }),
    ),
  );

  /** For everybody where this officer may say so; else in this browser alone. */
  async putSite(site: string, place: Point): Promise<void> {
    try {
      await put(live.client, `/tower/places/${encodeURIComponent(site)}`, { at: [place[1], place[0]] });
      await this.refresh();
    } catch {
      this.map = { features: this.map?.features ?? [], places: { ...this.map?.places, [site]: place } };
      await keepMap(this.userId, $state.snapshot(this.map) as OperatorsMap);
    }
  }

  /** Everybody who holds a tower key that is in force. */
  private staff(): string[] {
    const users = this.keys.filter(({ ended, expires }) => ended === null && expires > Date.now()).flatMap(({ users }) => users);
    return [...new Set(users)].filter((user) => user !== this.userId);
  }

  /** The room of those who run the service: readable by hubs, so that it is on every node. */
  async makeStaffRoom(): Promise<void> {
    const { room_id: room } = await live.client.createRoom({ name: m.staff_room(), creation_content: { type: "kr.bongsu.relief" }, preset: "private_chat" as never, invite: this.staff() });
    await put(live.client, "/tower/staff_room", { room_id: room });
    await this.refresh();
  }

  async inviteStaff(room: string): Promise<void> {
    const { joined } = await live.client.getJoinedRoomMembers(room);
    for (const user of this.staff()) if (!(user in joined)) await live.client.invite(room, user).catch(() => undefined);
  }

  async refresh(): Promise<void> {
    try {
      this.picture = shared(this.picture, await get<Picture>(live.client, "/tower/picture"));
    } catch {
      // The next one comes by itself.
    }
  }

  /** Runs what a button does; what goes wrong is told above everything. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    this.failure = "";
    try {
      await work();
      return true;
    } catch (error) {
      const refused = refusal(error) !== undefined;
      this.failure = refused || !(error instanceof Error) || error.name === "ConnectionError" ? explain(error) : error.message;
      return false;
    }
  }
}

/** Whole seconds, as CAP counts; by the service, which takes nothing that is signed for another time. */
export const now = (): number => Math.floor(warnings.serviceNow() / 1000) * 1000;

/** An alert that somebody here signed: others' feeds have other texts. */
export const ours = (alert: Alert): AlertContent => alert.content as AlertContent;

export const tower = new Tower();
