// Comparing emoji with somebody, or with another device of one's own (SAS): one course of it, as the screen shows it.
import type { VerificationRequest, Verifier } from "matrix-js-sdk/lib/crypto-api/index.js";
import { VerificationPhase, VerificationRequestEvent, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";

export type Course =
  | { step: "asked" | "waiting" | "comparing" | "done" | "cancelled" }
  | { step: "emoji"; emoji: [string, string][]; same: () => void; different: () => void };

const SAS = "m.sas.v1";

/** Follows a request to its end. Returns what stops following. */
export function follow(request: VerificationRequest, changed: (course: Course) => void): () => void {
  let verifier: Verifier | null = null;
  const look = () => {
    const { phase } = request;
    if (phase === VerificationPhase.Done) changed({ step: "done" });
    else if (phase === VerificationPhase.Cancelled) changed({ step: "cancelled" });
    else if (phase === VerificationPhase.Requested) changed({ step: request.initiatedByMe ? "waiting" : "asked" });
    else if (phase === VerificationPhase.Ready && request.initiatedByMe && !verifier) void begin();
    else if (phase === VerificationPhase.Started && request.verifier) run(request.verifier);
    else if (!verifier) changed({ step: "waiting" });
  };
  const begin = async () => {
    try {
      run(await request.startVerification(SAS));
    } catch {
      changed({ step: "cancelled" });
    }
  };
  const run = (given: Verifier) => {
    if (verifier) return;
    verifier = given;
    changed({ step: "waiting" });
    given.on(VerifierEvent.ShowSas, (sas) => {
      const answer = (act: () => void) => () => {
        changed({ step: "comparing" });
        act();
      };
      changed({
        step: "emoji",
        emoji: sas.sas.emoji ?? [],
        same: answer(() => void sas.confirm().catch(() => changed({ step: "cancelled" }))),
        different: answer(() => sas.mismatch()),
      });
    });
    given.verify().then(
      () => changed({ step: "done" }),
      () => changed({ step: "cancelled" }),
    );
  };
  request.on(VerificationRequestEvent.Change, look);
  look();
  return () => {
    request.off(VerificationRequestEvent.Change, look);
  };
}
