/** One topic with its event subscriptions, in the words of ARM. */
export interface Topic {
  topic: string;
  eventRetentionInDays?: number;
  /** false: none; such events are dropped. */
  deadLetterContainer?: string | false | null;
  eventSubscriptions?: EventSubscription[];
}

export interface EventSubscription {
  name: string;
  /** Seconds, 60 to 300. */
  receiveLockDurationInSeconds?: number;
  /** 1 to 10. */
  maxDeliveryCount?: number;
  /** An ISO 8601 duration, from PT1M. */
  eventTimeToLive?: string;
  filtersConfiguration?: {
    includedEventTypes?: string[] | null;
    filters?: Record<string, unknown>[] | null;
  } | null;
}

export type Topology = Topic | { topics: Topic[] };

export interface StartOptions {
  /** The program and its first arguments; default: EVENTGRID_EMULATOR_COMMAND, or eventgrid-emulator. */
  command?: string[];
  /** Topics and event subscriptions; also what a reset goes back to. */
  topology?: Topology;
  /** One topic, instead of a topology. */
  topic?: string;
  /** Its event subscriptions: NAME, or NAME=TYPE,TYPE. */
  subscriptions?: string[];
  /** Default: a free one. */
  port?: number;
  /** Seconds after which an empty receive is answered; 0 makes "nothing came" cost milliseconds. */
  shortestWait?: number;
  /** More options of the command. */
  args?: string[];
  /** Environment variables for it, besides those of this process. */
  environment?: Record<string, string>;
  /** Receives its log, such as why a request was refused; default: standard error. */
  log?: (text: string) => void;
}

export interface Place {
  topic?: string;
  subscription?: string;
}

export interface DeadLetter {
  blob: string;
  deadLetterProperties: {
    deadletterreason: string;
    deliveryattempts: number;
    deliveryresult: string;
    publishutc: string;
    deliveryattemptutc: string;
  };
  event: Record<string, unknown>;
}

export interface HeldEvent {
  topic: string;
  subscription: string;
  state: "ready" | "locked" | "delayed";
  deliveryCount: number;
  published: string;
  until?: string;
  event: Record<string, unknown>;
}

export interface Emulator extends AsyncDisposable {
  readonly endpoint: string;
  readonly key: string;
  readonly controlUrl: string;
  readonly caFile: string | null;
  /**
   * A key credential for the clients of @azure/eventgrid-namespaces. Not typed, because their
   * type is a class with private members, and this package depends on none of theirs.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly credential: any;
  readonly clientOptions: {
    allowInsecureConnection: boolean;
    retryOptions: { maxRetries: number };
    /** Under --tls: the authority to trust. */
    tlsOptions?: { ca: string };
  };
  reset(place?: Place): Promise<void>;
  advance(seconds: number): Promise<void>;
  deadLetters(place?: Place): Promise<DeadLetter[]>;
  events(place?: Place): Promise<HeldEvent[]>;
  idle(wanted?: Place & { events?: number; seconds?: number }): Promise<void>;
  /** Put another topology in force; as the default, a reset goes back to it, too. */
  declare(topology: Topology, options?: { isDefault?: boolean }): Promise<void>;
  faults(faults: Record<string, unknown>[], seed?: number): Promise<void>;
  stop(): Promise<void>;
}

export function start(options?: StartOptions): Promise<Emulator>;
