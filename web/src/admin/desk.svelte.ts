// What the parts of the administration share: what went wrong last, and lists that are read page by page.
import { m } from "../paraglide/messages";
import { forget, read, Refused } from "./api";

class Desk {
  failure = $state("");
  /** Whom the other views were led to. */
  account = $state("");
  room = $state("");
  gate = $state<"login" | "enrol" | "code" | "stranger" | "open">("login");

  /** Runs what a button does; what is refused is told above everything. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    this.failure = "";
    try {
      await work();
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  failed(error: unknown): void {
    if (!(error instanceof Refused)) {
      this.failure = m.error_network();
      return;
    }
    if (error.status === 401) {
      forget();
      this.gate = "login";
    } else if (error.errcode === "KR_BONGSU_SECOND_FACTOR") {
      this.gate = error.enrolled ? "code" : "enrol";
      return;
    } else if (error.errcode === "M_FORBIDDEN" && this.gate !== "open") {
      // That page says so itself, in the person's language.
      this.gate = "stranger";
      return;
    }
    this.failure = error.message;
  }

  /** Whether this session may in: one look at the list of accounts says it. */
  async look(): Promise<void> {
    await this.attempt(async () => {
      await read("/users", { limit: "1" });
      this.gate = "open";
    });
  }
}

export const desk = new Desk();

/** A list of the service's, a page at a time. `name`: of the list in its answers. */
export class Pages<T> {
  entries = $state.raw<T[]>([]);
  next = $state<string | null>(null);
  isRead = $state(false);

  constructor(
    private readonly path: string,
    private readonly name: string,
  ) {}

  /** From the beginning. */
  async open(query: Record<string, string> = {}): Promise<void> {
    this.next = null;
    const found = await this.page(query);
    this.entries = found;
    this.isRead = true;
  }

  async more(query: Record<string, string> = {}): Promise<void> {
    if (this.next === null) return;
    const found = await this.page({ ...query, from: this.next });
    this.entries = [...this.entries, ...found];
  }

  /** A search looks at some hundreds at a time, and goes on until it finds something or has seen all. */
  private async page(query: Record<string, string>): Promise<T[]> {
    for (let from = query; ; from = { ...query, from: this.next }) {
      const answer = await read<Record<string, unknown>>(this.path, { limit: "50", ...from });
      this.next = answer["next"] === undefined ? null : String(answer["next"] as string | number);
      const found = answer[this.name] as T[];
      if (found.length > 0 || this.next === null) return found;
    }
  }
}
