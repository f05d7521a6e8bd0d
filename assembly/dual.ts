// The exports of the small build with both families.

export * from "./index";
export * from "./api/ip6";
