export { Counts } from "./EraseDialog";
export { ProfilePage } from "./ProfilePage";
export { ProfilesPage } from "./ProfilesPage";
