// SPDX-License-Identifier: MIT
// The parts of Apache ECharts that reports use; build.sh bundles them into
// echarts.js.
import * as echarts from "echarts/core";
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import {
    AriaComponent,
    DataZoomComponent,
    GridComponent,
    LegendComponent,
    MarkAreaComponent,
    MarkLineComponent,
    MarkPointComponent,
    TooltipComponent,
    VisualMapContinuousComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
    BarChart, HeatmapChart, LineChart,
    AriaComponent, DataZoomComponent, GridComponent, LegendComponent,
    MarkAreaComponent, MarkLineComponent, MarkPointComponent,
    TooltipComponent, VisualMapContinuousComponent,
    SVGRenderer,
]);

export { init } from "echarts/core";
