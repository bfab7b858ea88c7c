export { KeysPage } from "./KeysPage";
