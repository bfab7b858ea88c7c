export { addressLine, nameOf, useNames } from "./names";
