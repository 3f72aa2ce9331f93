// Names under which the shell and the parts that come later keep the same things in the browser's storage.

/** "yes": this device carries files between sites by itself. */
export const COURIER_KEY = "bongsu.courier";
/** The hub that an invitation named, until its keeper is told (matrix/residency.ts). */
export const HUB_KEY = "bongsu.hub";

/** Alerts and check-ins, with what no site has taken yet. */
export const WARNINGS_KEY = "bongsu.warnings";
