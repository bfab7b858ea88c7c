export { Counts } from "./EraseDialog";
export { nameOf, useNames } from "./names";
export { ProfilePage } from "./ProfilePage";
export { ProfilesPage } from "./ProfilesPage";
