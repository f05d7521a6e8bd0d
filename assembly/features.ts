// What can be left out of a build, to make it smaller (asconfig.json, tools/build.mjs). Each is a constant, so that what hangs on it is
// not compiled.

/** SYN cookies, groups, and limits on the rate of SYNs. Without them a full half-open table makes room for new SYNs (`evict`). */
export const COOKIES: bool = !isDefined(STINT_SMALL);

/** Telling the peer what came twice (RFC 2883). */
export const DSACK: bool = !isDefined(STINT_SMALL);
