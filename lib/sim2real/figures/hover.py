"""The interactive twin of Figure 6b: the same record, and the compound under the pointer. Needs the extra ``lab``."""

from __future__ import annotations

from html import escape

import numpy as np

try:
    import plotly.graph_objects as go
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f'the interactive figure needs {error.name}: pip install "sim2real[lab]"', name=error.name) from None

from sim2real.chemistry.simulators.wiedemann_franz import NON_WF, WF
from sim2real.figures.compounds import METALS
from sim2real.figures.curves import GROUP_COLOURS

_MARKS = {WF: "square", NON_WF: "triangle-up"}


def hover(payload: dict) -> go.Figure:
    """Thermal against electrical conductivity; hovering shows composition, family and kappa / (L sigma T)."""
    (record,) = payload["records"]
    figure, wf = go.Figure(), np.array(record["wf"])
    words = "<b>%{customdata[0]}</b><br>%{customdata[1]}, %{customdata[2]}<br>σ %{x:.3g} S/m, κ %{y:.3g} W/(m K)"
    words += "<br>κ/(LσT) = %{customdata[3]:.3g}<extra></extra>"
    style = {"mode": "markers", "hovertemplate": words}
    for name in ("others", *_MARKS):
        rows = np.flatnonzero(wf == name if name in _MARKS else ~np.isin(wf, list(_MARKS)))
        x, y = ([10 ** record[k][row] for row in rows] for k in ("log_sigma", "log_kappa"))
        about = [[escape(record["names"][k]), escape(record["groups"][k]), wf[k], 10 ** record["lorenz"][k]] for k in rows]
        marker = {"color": GROUP_COLOURS.get(name, "#aaaaaa"), "symbol": _MARKS.get(name, "circle"), "size": 5, "opacity": 0.6}
        figure.add_scatter(x=x, y=y, customdata=about, marker=marker, name=f"{name} ({len(rows)})", **style)
    line = record["line"]
    slope = line["lorenz_number"] * line["temperature"]
    if (metals := record["metals"]) is not None:
        sigma, kappa = (10 ** np.array(metals[k]) for k in ("log_sigma", "log_kappa"))
        about = [[escape(name), "metal or alloy", "measured", k / (slope * s)] for name, s, k in zip(metals["names"], sigma, kappa)]
        marker, text = {"size": 6, "color": METALS, "symbol": "x"}, f"measured metals and alloys ({len(sigma)})"
        figure.add_scatter(x=sigma, y=kappa, customdata=about, marker=marker, name=text, **style)
    ends = 10 ** np.array([min(record["log_sigma"]), max(record["log_sigma"])])
    text = f"κ = LσT, {line['temperature']:.0f} K"
    figure.add_scatter(x=ends, y=slope * ends, mode="lines", line={"color": "black", "dash": "dash"}, hoverinfo="skip", name=text)
    figure.update_xaxes(type="log", title="electrical conductivity σ (S/m)", exponentformat="power")
    figure.update_yaxes(type="log", title="thermal conductivity κ (W/(m K))", exponentformat="power")
    figure.update_layout(template="simple_white", width=760, height=560, legend={"x": 1.02, "y": 1}, hoverlabel_bgcolor="white")
    return figure
