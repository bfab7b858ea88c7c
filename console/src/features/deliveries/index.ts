export { DecisionTrace } from "./DecisionTrace";
export { DeliveriesPage } from "./DeliveriesPage";
export { DeliveryPage } from "./DeliveryPage";
export { DeliveryStatus } from "./DeliveryStatus";
