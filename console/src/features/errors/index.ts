export { ErrorsPage } from "./ErrorsPage";
