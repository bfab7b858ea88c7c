import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { DeliveryStatus } from "@/features/deliveries";
import { Moment, useMay } from "@/features/session";
import {
  Button,
  CopyText,
  FormErrors,
  Group,
  IconAlertCircle,
  IconCircleCheck,
  IconCircleDashed,
  Link,
  PasswordInput,
  TextInput,
} from "@/ui";
import { type SenderOut, useChangeSender, useCheckSender, useSubscribe, useTestMessage } from "./api";
import c from "./senders.module.css";

type Mark = "done" | "open" | "failed";
const ICON = { done: IconCircleCheck, open: IconCircleDashed, failed: IconAlertCircle };

/** Token, account, webhook, test message: each with a check that is made now. */
export function Steps({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  const checked = sender.checked_at !== null;
  const failed = checked && Boolean(sender.state_reason);
  return (
    <ol className={c.steps}>
      <Step
        mark={failed ? "failed" : checked ? "done" : "open"}
        title={t("sender.step.token")}
        hint={t("sender.step.tokenHint")}
      >
        <TokenStep sender={sender} />
      </Step>
      <Step
        mark={sender.verified_name || sender.provider_status ? "done" : "open"}
        title={t("sender.step.account")}
        hint={
          sender.verified_name
            ? t("sender.step.accountFound", {
                name: sender.verified_name,
                status: sender.provider_status ?? sender.state,
              })
            : t("sender.step.accountHint")
        }
      />
      <Step
        mark={sender.webhook?.verified_at ? "done" : "open"}
        title={t("sender.step.webhook")}
        hint={t("sender.step.webhookHint")}
      >
        <WebhookStep sender={sender} />
      </Step>
      <Step mark="open" title={t("sender.step.test")} hint={t("sender.step.testHint")}>
        <TestStep sender={sender} />
      </Step>
    </ol>
  );
}

function Step({ mark, title, hint, children }: { mark: Mark; title: string; hint: string; children?: ReactNode }) {
  const { t } = useTranslation();
  const Icon = ICON[mark];
  return (
    <li data-mark={mark}>
      <Icon size={22} role="img" aria-label={t(`sender.mark.${mark}`)} />
      <div>
        <b>{title}</b>
        <p>{hint}</p>
        {children}
      </div>
    </li>
  );
}

function TokenStep({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  const may = useMay();
  const check = useCheckSender(sender.id);
  const change = useChangeSender(sender.id);
  const [token, setToken] = useState("");
  if (!may("senders.write")) return null;
  return (
    <>
      <Group gap="xs" align="end">
        <PasswordInput
          label={t("sender.newToken")}
          value={token}
          autoComplete="off"
          w={240}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        <Button
          variant="default"
          disabled={!token}
          loading={change.isPending}
          onClick={() => change.mutate({ access_token: token }, { onSuccess: () => setToken("") })}
        >
          {t("ui.save")}
        </Button>
        <Button loading={check.isPending} onClick={() => check.mutate(undefined)}>
          {t("sender.checkNow")}
        </Button>
      </Group>
      {sender.checked_at && (
        <p>
          {t("sender.checkedAt")} <Moment at={sender.checked_at} />
        </p>
      )}
      <FormErrors error={check.error ?? change.error} />
    </>
  );
}

function WebhookStep({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  const may = useMay();
  const subscribe = useSubscribe(sender.id);
  if (!sender.webhook) return null;
  return (
    <>
      <div className={c.pairs}>
        <span>{t("sender.callbackUrl")}</span>
        <CopyText value={sender.webhook.url} />
        <span>{t("sender.verifyToken")}</span>
        <CopyText value={sender.webhook.verify_token} />
      </div>
      {sender.webhook.verified_at && (
        <p>
          {t("sender.verifiedAt")} <Moment at={sender.webhook.verified_at} />
        </p>
      )}
      {may("senders.write") && (
        <Button variant="default" loading={subscribe.isPending} onClick={() => subscribe.mutate(undefined)}>
          {t("sender.subscribe")}
        </Button>
      )}
      <FormErrors error={subscribe.error} />
    </>
  );
}

function TestStep({ sender }: { sender: SenderOut }) {
  const { t } = useTranslation();
  const may = useMay();
  const test = useTestMessage(sender.id);
  const [phone, setPhone] = useState("");
  if (!may("deliveries.write")) return null;
  return (
    <>
      <Group gap="xs" align="end">
        <TextInput
          label={t("sender.testNumber")}
          type="tel"
          w={240}
          value={phone}
          placeholder="+31 6 …"
          onChange={(event) => setPhone(event.currentTarget.value)}
        />
        <Button
          disabled={phone.trim().length < 6}
          loading={test.isPending}
          onClick={() => test.mutate({ phone: phone.trim(), text: t("sender.testText") })}
        >
          {t("sender.sendTest")}
        </Button>
      </Group>
      {test.data && (
        <p>
          <DeliveryStatus status={test.data.status} />{" "}
          {test.data.reason && t(`reason.${test.data.reason}`, { defaultValue: test.data.reason })}{" "}
          <Link to={`/deliveries/${test.data.id}`}>{t("delivery.open")}</Link>
        </p>
      )}
      <FormErrors error={test.error} />
    </>
  );
}
