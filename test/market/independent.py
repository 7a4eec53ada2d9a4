"""A second computation of the feature maps, written from the documented rules and formulas alone.

Plain Python, standard library only, definitions before speed: every window is cut out anew, every mean is an exact sum.

    python3 independent.py RAW_DIR --universe A.NS,B.NS --index ^BSESN --as-of 2026-03-17 --calendar sessions.json --out maps.json
        [--features all|default|name,name] [--carry 5] [--squeeze 20]

RAW_DIR holds <SYMBOL>.csv; a symbol without a file is a missing stock. The output is one JSON object:
{symbols, features, days, targets, latest_day, mask: [day][stock], values: [day][stock][feature], latest: [stock][feature]}.
"""

import argparse
import csv
import datetime
import json
import math
import os

NAN = float("nan")
DEFAULT = (
    "returns_1d returns_5d log_returns_1d gap_up_down volatility_20d atr_ratio price_vs_sma20 rsi_14 stoch_k stoch_d "
    "williams_r roc_10 cci_20 bb_width bb_position volume_ratio adx_14 di_plus di_minus"
).split()


# --- calendar -------------------------------------------------------------------------------------------------------


class Calendar:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            table = json.load(file)
        self.mask = table["weekmask"]
        self.first, self.last = table["known_from"], table["known_through"]
        self.closed = {entry["date"] for entry in table["holidays"]}
        self.extra = {entry["date"] for entry in table["sessions"]}
        self.doubted = {entry["date"] for entry in table["holidays"] if entry["source"] == "memory"}

    def surely_closed(self, date):
        if not self.first <= date <= self.last or date in self.extra or date in self.doubted:
            return False
        weekday = datetime.date.fromisoformat(date).weekday()
        return self.mask[weekday] != "1" or date in self.closed


# --- raw files ------------------------------------------------------------------------------------------------------


def number(cell):
    cell = cell.strip()
    return NAN if cell.lower() in ("", "null", "nan", "none") else float(cell)


def read_raw(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    names = [name.strip().lower() for name in rows[0]]
    body = rows[1:]
    if names[0] == "price":
        names[0] = "date"
        body = rows[3:]
    bars = []
    for row in body:
        cells = dict(zip(names, row))
        bars.append(
            {
                "date": cells["date"].strip()[:10],
                "o": number(cells["open"]),
                "h": number(cells["high"]),
                "l": number(cells["low"]),
                "c": number(cells["close"]),
                "a": number(cells.get("adj close", "")),
                "v": number(cells["volume"]),
                "div": number(cells.get("dividends", "") or "0"),
                "split": number(cells.get("stock splits", "") or "0"),
            }
        )
    return bars


# --- cleaning -------------------------------------------------------------------------------------------------------


def flat_zero(bar):
    return bar["v"] == 0 and bar["o"] == bar["h"] == bar["l"] == bar["c"]


def until_sorted(bars, start, end):
    """Rules 2 to 5: no price, some prices, order, repeated dates, after the tick."""
    kept = {}
    priced = [bar for bar in bars if start <= bar["date"] and not all(math.isnan(bar[key]) for key in "ohlc")]
    adjusted = sum(not math.isnan(bar["a"]) for bar in priced) > len(priced) / 2
    for bar in bars:
        empty = sum(math.isnan(bar[key]) for key in ("ohlca" if adjusted else "ohlc"))
        if bar["date"] < start or bar["date"] > end or empty:
            continue
        bar = dict(bar)
        if math.isnan(bar["v"]):
            bar["v"] = 0.0
        kept[bar["date"]] = bar
    return [kept[date] for date in sorted(kept)]


def non_sessions(stock_bars, index_symbol, calendar):
    """Rule 6: date -> 'closed' (nothing counts) or 'lost' (rows without trade do not count)."""
    by_date = {}
    for symbol, bars in stock_bars.items():
        for bar in bars:
            by_date.setdefault(bar["date"], []).append((symbol, bar))
    verdict = {}
    disputed = set()
    for date, rows in by_date.items():
        flat = sum(flat_zero(bar) for _, bar in rows)
        mostly_flat = flat >= len(rows) / 2
        traded = sum((not flat_zero(bar)) if symbol == index_symbol else bar["v"] > 0 for symbol, bar in rows)
        has_index = any(symbol == index_symbol for symbol, _ in rows)
        if calendar.surely_closed(date):
            if not mostly_flat and traded >= len(stock_bars) / 2:
                disputed.add(date)
            else:
                verdict[date] = "closed"
        elif not has_index and len(rows) >= 3 and mostly_flat:
            verdict[date] = "lost"
    return verdict, disputed


def possible(bar):
    """Rules 7 and 8."""
    adjusted = bar["a"]
    if min(bar["o"], bar["h"], bar["l"], bar["c"]) <= 0 or bar["v"] < 0 or bar["v"] != math.floor(bar["v"]):
        return False
    if not math.isnan(adjusted) and (adjusted <= 0 or adjusted > 1000 * bar["c"]):
        return False
    top, bottom = max(bar["o"], bar["c"]), min(bar["o"], bar["c"])
    return not (bar["h"] < top * (1 - 1e-6) or bar["l"] > bottom * (1 + 1e-6) or bar["h"] < bar["l"])


def spike(price, others):
    """Rule 10: more than 20 times above both of the others, or below both of them."""
    return len(others) == 2 and (price > 20 * max(others) or 20 * price < min(others))


def around(i, items):
    """The two before an item, nearest first, then the two after it."""
    return items[max(0, i - 2) : i][::-1] + items[i + 1 : i + 3]


def without_spikes(bars, splits):
    def factor(bar):
        return 1.0 if math.isnan(bar["a"]) else bar["a"] / bar["c"]

    kept = []
    for i, bar in enumerate(bars):
        others = []
        for other in around(i, bars):
            first, last = sorted([bar["date"], other["date"]])
            if not any(first < date <= last for date in splits):
                others.append(other["c"] * factor(other))
        if not any(spike(bar[key] * factor(bar), others[:2]) for key in "ohlc"):
            kept.append(bar)
    return kept


def clean(raw, index_symbol, calendar, start, end):
    """-> clean bars by symbol, closes of the index by date."""
    sorted_bars = {symbol: until_sorted(bars, start, end) for symbol, bars in raw.items()}
    verdict, disputed = non_sessions(sorted_bars, index_symbol, calendar)
    result = {}
    for symbol, bars in sorted_bars.items():
        kept = []
        for bar in bars:
            word = verdict.get(bar["date"])
            if word == "closed" or (word == "lost" and flat_zero(bar)):
                continue
            if not possible(bar) or (symbol != index_symbol and flat_zero(bar)):
                continue
            kept.append(bar)
        splits = {bar["date"] for bar in raw[symbol] if bar["split"] > 0}
        result[symbol] = without_spikes(kept, splits)
    closes = {}
    for bar in raw[index_symbol]:
        date = bar["date"]
        if not start <= date <= end or not bar["c"] > 0:
            continue
        if verdict.get(date) == "closed" or (date not in disputed and calendar.surely_closed(date)):
            continue
        closes[date] = bar["c"]
    days = sorted(closes.items())
    spikes = [
        date for i, (date, close) in enumerate(days) if spike(close, [other for _, other in around(i, days)][:2])
    ]
    return result, {date: close for date, close in days if date not in spikes}


# --- formulas; x is a list with NaN where undefined ---------------------------------------------------------------


def windows(x, n, statistic):
    out = []
    for i in range(len(x)):
        window = x[max(0, i - n + 1) : i + 1]
        out.append(statistic(window) if len(window) == n and not any(map(math.isnan, window)) else NAN)
    return out


def mean(window):
    return window[0] if min(window) == max(window) else math.fsum(window) / len(window)


def sma(x, n):
    return windows(x, n, mean)


def deviation(x, n, divisor):
    def statistic(window):
        middle = mean(window)
        return math.sqrt(math.fsum((value - middle) ** 2 for value in window) / divisor)

    return windows(x, n, statistic)


def seeded(x, n, step):
    out, average, seed = [], None, []
    for value in x:
        if math.isnan(value):
            out.append(NAN)
            continue
        if average is None:
            seed.append(value)
            if len(seed) < n:
                out.append(NAN)
                continue
            average = math.fsum(seed) / n
        else:
            average = step(average, value)
        out.append(average)
    return out


def ema(x, n):
    return seeded(x, n, lambda e, value: e + 2 / (n + 1) * (value - e))


def wilder(x, n):
    return seeded(x, n, lambda w, value: (w * (n - 1) + value) / n)


def lag(x, n):
    return ([NAN] * n + x)[: len(x)]


def each(function, *columns):
    return [NAN if any(map(math.isnan, values)) else function(*values) for values in zip(*columns)]


def ratio_change(x, n):
    return each(lambda now, then: NAN if then == 0 else now / then - 1, x, lag(x, n))


def all_features(o, h, l, c, v, squeeze):
    """-> {name: (scale, values)} in catalogue order; scale '0', 'P' or 'V'."""
    f = {}
    c1 = lag(c, 1)
    typical = each(lambda a, b, d: (a + b + d) / 3, h, l, c)
    returns = ratio_change(c, 1)
    for n in (1, 3, 5, 10):
        f[f"returns_{n}d"] = "0", ratio_change(c, n)
    f["log_returns_1d"] = "0", each(lambda a, b: math.log(a / b), c, c1)
    f["price_change_pct"] = "0", each(lambda a, b: a / b - 1, c, o)
    f["gap_up_down"] = "0", each(lambda a, b: a / b - 1, o, c1)
    f["typical_price"] = "P", typical
    for n in (5, 10, 20):
        f[f"volatility_{n}d"] = "0", deviation(returns, n, n - 1)
    squared_range = each(lambda a, b: math.log(a / b) ** 2, h, l)
    f["parkinson_volatility"] = "0", windows(squared_range, 20, lambda w: math.sqrt(math.fsum(w) / (80 * math.log(2))))
    true_range = each(lambda a, b, p: max(a - b, abs(a - p), abs(b - p)), h, l, c1)
    atr = wilder(true_range, 14)
    f["atr_14"] = "P", atr
    f["atr_ratio"] = "0", each(lambda a, b: a / b, atr, c)
    for n in (5, 10, 20, 50):
        f[f"sma_{n}"] = "P", sma(c, n)
    fast, slow = ema(c, 12), ema(c, 26)
    f["ema_12"] = "P", fast
    f["ema_26"] = "P", slow
    for n in (20, 50):
        f[f"price_vs_sma{n}"] = "0", each(lambda a, b: a / b - 1, c, sma(c, n))
    f["ma_convergence"] = "0", each(lambda a, b: a / b - 1, sma(c, 10), sma(c, 20))
    change = each(lambda a, b: a - b, c, c1)
    for n in (14, 21):
        gain = wilder(each(lambda d: max(d, 0), change), n)
        loss = wilder(each(lambda d: max(-d, 0), change), n)
        f[f"rsi_{n}"] = "0", each(lambda g, d: 50 if g + d == 0 else 100 * g / (g + d), gain, loss)
    top, bottom = windows(h, 14, max), windows(l, 14, min)
    k = each(lambda a, hh, ll: 50 if hh == ll else 100 * (a - ll) / (hh - ll), c, top, bottom)
    f["stoch_k"] = "0", k
    f["stoch_d"] = "0", sma(k, 3)
    f["williams_r"] = "0", each(lambda a, hh, ll: -50 if hh == ll else -100 * (hh - a) / (hh - ll), c, top, bottom)
    f["roc_10"] = "0", each(lambda a, b: 100 * ((a - b) / b), c, lag(c, 10))
    f["momentum_10"] = "P", each(lambda a, b: a - b, c, lag(c, 10))

    def channel(window):
        middle = mean(window)
        distance = math.fsum(abs(value - middle) for value in window) / len(window)
        return 0 if distance == 0 else (window[-1] - middle) / (0.015 * distance)

    f["cci_20"] = "0", windows(typical, 20, channel)
    macd = each(lambda a, b: a - b, fast, slow)
    signal = ema(macd, 9)
    histogram = each(lambda a, b: a - b, macd, signal)
    f["macd"] = "P", macd
    f["macd_signal"] = "P", signal
    f["macd_histogram"] = "P", histogram
    f["macd_crossover"] = "0", each(
        lambda a, b: 1 if a > 0 >= b else -1 if a < 0 <= b else 0, histogram, lag(histogram, 1)
    )
    middle, spread = sma(c, 20), deviation(c, 20, 20)
    upper = each(lambda m, s: m + 2 * s, middle, spread)
    lower = each(lambda m, s: m - 2 * s, middle, spread)
    width = each(lambda u, b, m: (u - b) / m, upper, lower, middle)
    f["bb_upper"], f["bb_lower"], f["bb_middle"] = ("P", upper), ("P", lower), ("P", middle)
    f["bb_width"] = "0", width
    f["bb_position"] = "0", each(lambda a, u, b: 0.5 if u == b else (a - b) / (u - b), c, upper, lower)
    f["bb_squeeze"] = "0", windows(width, squeeze, lambda w: 1 if w[-1] == min(w) else 0)
    average_volume = sma(v, 20)
    f["volume_sma_20"] = "V", average_volume
    f["volume_ratio"] = "0", each(lambda a, b: 1 if b == 0 else a / b, v, average_volume)
    f["volume_rate_change"] = "0", ratio_change(v, 5)
    balance, trend, obv, vpt = 0.0, 0.0, [], []
    for i in range(len(c)):
        if i:
            balance += v[i] if c[i] > c[i - 1] else -v[i] if c[i] < c[i - 1] else 0
            trend += v[i] * (c[i] / c[i - 1] - 1)
        obv.append(balance)
        vpt.append(trend)
    f["obv"], f["obv_sma"], f["volume_price_trend"] = ("V", obv), ("V", sma(obv, 20)), ("V", vpt)
    rise = each(lambda a, b: a - b, h, lag(h, 1))
    fall = each(lambda a, b: b - a, l, lag(l, 1))
    plus_move = wilder(each(lambda u, d, p: u if u > 0 and u - d > 1e-6 * p else 0.0, rise, fall, h), 14)
    minus_move = wilder(each(lambda u, d, p: d if d > 0 and d - u > 1e-6 * p else 0.0, rise, fall, h), 14)
    plus = each(lambda m, r: 0.0 if r == 0 else 100 * m / r, plus_move, atr)
    minus = each(lambda m, r: 0.0 if r == 0 else 100 * m / r, minus_move, atr)
    strength = each(lambda p, m: 0.0 if p + m == 0 else 100 * abs(p - m) / (p + m), plus, minus)
    f["adx_14"], f["di_plus"], f["di_minus"] = ("0", wilder(strength, 14)), ("0", plus), ("0", minus)

    def middle_of(n):
        return each(lambda a, b: (a + b) / 2, windows(h, n, max), windows(l, n, min))

    f["ichimoku_a"] = "P", lag(each(lambda a, b: (a + b) / 2, middle_of(9), middle_of(26)), 26)
    f["ichimoku_b"] = "P", lag(middle_of(52), 26)
    return f


FIRST = dict(
    {f"returns_{n}d": n for n in (1, 3, 5, 10)},
    log_returns_1d=1, price_change_pct=0, gap_up_down=1, typical_price=0, volatility_5d=5, volatility_10d=10,
    volatility_20d=20, parkinson_volatility=19, atr_14=14, atr_ratio=14, sma_5=4, sma_10=9, sma_20=19, sma_50=49,
    ema_12=11, ema_26=25, price_vs_sma20=19, price_vs_sma50=49, ma_convergence=19, rsi_14=14, rsi_21=21, stoch_k=13,
    stoch_d=15, williams_r=13, roc_10=10, momentum_10=10, cci_20=19, macd=25, macd_signal=33, macd_histogram=33,
    macd_crossover=34, bb_upper=19, bb_lower=19, bb_middle=19, bb_width=19, bb_position=19, volume_sma_20=19,
    volume_ratio=19, volume_rate_change=5, obv=0, obv_sma=19, volume_price_trend=0, adx_14=27, di_plus=14, di_minus=14,
    ichimoku_a=51, ichimoku_b=77,
)  # fmt: skip


def stock_columns(bars, raw, wanted, squeeze):
    """Values per wanted feature, freed of later splits and dividends: {date: [value per feature]}."""
    factor = [bar["a"] / bar["c"] if not math.isnan(bar["a"]) else 1.0 for bar in bars]
    splits = {bar["date"]: bar["split"] for bar in raw if bar["split"] > 0}
    later = [math.prod(s for date, s in splits.items() if date > bar["date"]) for bar in bars]
    adjusted = [[bar[key] * f for bar, f in zip(bars, factor)] for key in "ohlc"]
    features = all_features(*adjusted, [bar["v"] for bar in bars], squeeze)
    columns = []
    for name in wanted:
        scale, values = features[name]
        if scale == "P":
            values = [value * s / f for value, s, f in zip(values, later, factor)]
        if scale == "V":
            values = [value / s for value, s in zip(values, later)]
        columns.append(values)
    return {bar["date"]: [column[i] for column in columns] for i, bar in enumerate(bars)}


# --- the maps -----------------------------------------------------------------------------------------------------


def two_years_before(date):
    year, month, day = map(int, date.split("-"))
    try:
        return datetime.date(year - 2, month, day).isoformat()
    except ValueError:
        return datetime.date(year - 2, month, 28).isoformat()


def build(options):
    calendar = Calendar(options.calendar)
    symbols = sorted(options.universe.split(","))
    start, end = two_years_before(options.as_of), options.as_of
    raw = {}
    for symbol in symbols + [options.index]:
        path = os.path.join(options.raw, symbol + ".csv")
        if os.path.exists(path):
            raw[symbol] = read_raw(path)
    bars, closes = clean(raw, options.index, calendar, start, end)

    names = list(all_features([], [], [], [], [], 20))
    wanted = {"all": names, "default": DEFAULT}.get(options.features) or options.features.split(",")
    wanted = [name for name in names if name in wanted]
    firsts = dict(FIRST, bb_squeeze=18 + options.squeeze)
    warmup = max(firsts[name] for name in wanted)
    sessions = sorted(closes)
    axis = sessions[warmup:-1]
    targets = [1 if closes[after] > closes[day] else 0 for day, after in zip(axis, sessions[warmup + 1 :])]

    days = axis + sessions[-1:]
    values = [[None] * len(symbols) for _ in days]
    mask = [[0] * len(symbols) for _ in days]
    for s, symbol in enumerate(symbols):
        own = stock_columns(bars[symbol], raw[symbol], wanted, options.squeeze) if symbol in bars else {}
        seen = [(None, 0.0)] * len(wanted)
        for d, day in enumerate(days):
            now = own.get(day, [NAN] * len(wanted))
            for j, value in enumerate(now):
                if math.isfinite(value):
                    seen[j] = (d, value)
            mask[d][s] = int(all(map(math.isfinite, now)))
            values[d][s] = [value if at is not None and d - at <= options.carry else 0.0 for at, value in seen]
    return {
        "symbols": symbols,
        "features": wanted,
        "days": axis,
        "targets": targets,
        "latest_day": sessions[-1],
        "mask": mask[:-1],
        "values": values[:-1],
        "latest": values[-1],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("raw")
    parser.add_argument("--universe", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--as-of", dest="as_of", required=True)
    parser.add_argument("--calendar", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--features", default="default")
    parser.add_argument("--carry", type=int, default=5)
    parser.add_argument("--squeeze", type=int, default=20)
    options = parser.parse_args()
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(build(options), file)


if __name__ == "__main__":
    main()
