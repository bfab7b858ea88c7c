export { useAdvanceClock } from "./clock";
export { PhoneDock } from "./PhoneDock";
export { PhonePage } from "./PhonePage";
