// What /sync says beside Matrix's own: the SDK drops fields that it does not know, so answers are read on their way to it.
import type { AlertNews } from "./alert";
import type { CheckIn, CheckRequest, SafetyCall } from "./safety";

export interface News {
  alerts?: AlertNews;
  checkIns?: { check_ins?: CheckIn[]; requests?: CheckRequest[]; calls?: SafetyCall[] };
}

const MARK = "kr.bongsu.";

/** A fetch that hands on what a /sync answers of alerts and check-ins; the SDK gets the same answer. */
export function withNews(fetch: typeof globalThis.fetch, tell: (news: News) => void): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const address = input instanceof Request ? input.url : String(input);
    if (!response.ok || !/\/client\/v3\/sync(?:\?|$)/.test(address)) return response;
    const text = await response.text();
    // Most answers have no news; reading them twice would cost a phone its battery.
    if (text.includes(`"${MARK}`)) tell(read(text));
    const { status, statusText, headers } = response;
    return new Response(text, { status, statusText, headers });
  };
}

function read(text: string): News {
  try {
    const answer = JSON.parse(text) as Record<string, unknown>;
    const alerts = answer[`${MARK}alerts`] as AlertNews | undefined;
    const checkIns = answer[`${MARK}check_ins`] as News["checkIns"];
    return { ...(alerts ? { alerts } : {}), ...(checkIns ? { checkIns } : {}) };
  } catch {
    return {};
  }
}
